from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.xapi.classes.vm_pool import Pool


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """A running one-host pool."""
    made = Pool(tmp_path)
    await made.start()
    yield made
    await made.stop()
