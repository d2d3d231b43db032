"""A visitor of the app without a browser: one tab that speaks Streamlit's protocol over a WebSocket.

Like Streamlit's own script in a browser it reruns fragments when their time has come, tells the server which
messages it still has, and fetches pictures and other files of a page once.
"""

import asyncio
import contextlib
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets import ConnectionClosed, Origin, Subprotocol
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 600.0
"""Seconds until an answer counts as missing."""
XSRF_COOKIE = "_streamlit_xsrf"
_KEYED = re.compile(r"\$\$ID-[0-9a-f]+-(.+)")
_TYPES = {bool: "trigger_value", int: "int_value", str: "string_value"}
"""The kind of a widget's value; a bool is a button's press."""


class Visitor:
    """One tab. `errors` holds what a person would see as one: boxes of errors, closed sockets, lost files."""

    def __init__(self, url: str, cookie: str, query: str = "") -> None:
        self.url, self.cookie, self.query = url, cookie, query
        self.errors: list[str] = []
        self.pages: dict[str, str] = {}
        self.widgets: dict[str, str] = {}
        """The id of each keyed widget that was ever shown, and of each page by its title."""
        self._cached: set[str] = set()
        self._fetched: set[str] = set()
        self._reruns: dict[str, asyncio.Task[None]] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self._page, self._stands = "", asyncio.Event()

    async def __aenter__(self) -> "Visitor":
        """Open the first page, as a browser does: the document, then the socket."""
        await self._fetch("/")
        self._socket: ClientConnection = await connect(
            f"{self.url.replace('http', 'ws', 1)}/_stcore/stream",
            origin=Origin(self.url),
            subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Cookie": f"{XSRF_COOKIE}={self.cookie}"},
            max_size=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        self._reading = asyncio.create_task(self._read())
        await self.act()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._reading, *self._reruns.values(), *self._fetches):
            task.cancel()
        await self._socket.close()

    async def act(self, widgets: Mapping[str, bool | int | str] | None = None) -> float:
        """Change widgets by their keys, wait until the page stands, and return the seconds."""
        return await self._rerun(self._page, self.query, widgets or {})

    async def switch(self, title: str) -> float:
        """Open another page by its title, wait until it stands, and return the seconds."""
        return await self._rerun(self.pages[title], "", {})

    async def _rerun(self, page: str, query: str, widgets: Mapping[str, bool | int | str]) -> float:
        message = self._message(page, query)
        for key, value in widgets.items():
            state = WidgetState(id=self.widgets[key])
            setattr(state, _TYPES[type(value)], value)
            message.rerun_script.widget_states.widgets.append(state)
        self._stands.clear()
        start = time.perf_counter()
        await self._send(message)
        try:
            await asyncio.wait_for(self._stands.wait(), PATIENCE)
        except TimeoutError:
            self.errors.append(f"no answer for {PATIENCE:.0f} s")
        return time.perf_counter() - start

    def _message(self, page: str, query: str) -> BackMsg:
        message = BackMsg()
        message.rerun_script.page_script_hash = page
        message.rerun_script.query_string = query
        message.rerun_script.cached_message_hashes.extend(self._cached)
        message.rerun_script.context_info.timezone = "Europe/Berlin"
        return message

    async def _send(self, message: BackMsg) -> None:
        with contextlib.suppress(ConnectionClosed):  # Noted where it is read.
            await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                assert isinstance(data, bytes)
                self._take(ForwardMsg.FromString(data))
        except ConnectionClosed as closed:
            self.errors.append(f"the socket was closed: {closed}")
            self._stands.set()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self._cached.add(message.hash)
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._show(message)
        elif kind == "navigation":
            pages = (page for page in message.navigation.app_pages if not page.is_hidden)
            self.pages = {page.page_name: page.page_script_hash for page in pages}
            self._page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "new_session" and not message.metadata.run.fragment_ids:
            self._forget_reruns()
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self._stands.set()
            elif message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.errors.append("the page does not compile")

    def _show(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)
        keyed = _KEYED.fullmatch(str(getattr(getattr(element, kind or "", None), "id", "")))
        if keyed:
            self.widgets[keyed[1]] = keyed[0]
        for path in {image.url for image in element.imgs.imgs if image.url.startswith("/")} - self._fetched:
            self._fetched.add(path)
            task = asyncio.create_task(self._fetch(path))
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)

    async def _fetch(self, path: str) -> None:
        try:
            await asyncio.to_thread(self._get, path)
        except (urllib.error.URLError, OSError) as error:
            self.errors.append(f"{path}: {error}")

    def _get(self, path: str) -> None:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            answer.read()

    def _repeat(self, fragment: str, seconds: float) -> None:
        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                message = self._message(self._page, self.query)
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
                await self._send(message)

        if fragment in self._reruns:
            self._reruns[fragment].cancel()
        self._reruns[fragment] = asyncio.create_task(repeat())

    def _forget_reruns(self) -> None:
        for task in self._reruns.values():
            task.cancel()
        self._reruns.clear()
