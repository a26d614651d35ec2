"""The SR types, listed by hand."""

from collections.abc import Mapping

from sm.drivers.base import Driver
from sm.drivers.dummy import DummyDriver
from sm.drivers.file import FileDriver
from sm.drivers.iso import IsoDriver

DRIVERS: Mapping[str, Driver] = {driver.info.driver: driver for driver in (FileDriver(), IsoDriver(), DummyDriver())}
