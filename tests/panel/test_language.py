"""The panel in Korean: no state of it has English left, and nothing is cut off where it is narrow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

from bridge_server.languages.installed import catalogue_of, language_file
from tests.bridge_server.peers import ServerThread
from tests.panel.browser import CHROMIUM, Panel, browser_context

pytestmark = pytest.mark.slow
