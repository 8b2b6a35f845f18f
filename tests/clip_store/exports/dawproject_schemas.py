"""The schemas that DAWproject's authors publish (tests/golden/dawproject), ready to check a document."""

from __future__ import annotations

from lxml import etree

from tests.places import GOLDEN

PROJECT_SCHEMA = etree.XMLSchema(file=str(GOLDEN / "dawproject" / "Project.xsd"))
METADATA_SCHEMA = etree.XMLSchema(file=str(GOLDEN / "dawproject" / "MetaData.xsd"))
