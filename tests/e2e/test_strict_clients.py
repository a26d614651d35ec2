"""What a strictly typed client reads of a whole host, through the official SDK: every record of every class."""

from tests.e2e.embedded_host import Api
from tests.xapi.strict_client import listed_classes, walk


def test_every_record_of_every_class_has_the_fields_of_the_model(api: Api) -> None:
    count, wrong = walk(lambda method: api.xenapi_request(method, ()), "xml")
    assert count > len(listed_classes()) and wrong == []
