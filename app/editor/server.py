"""The language server itself: messages of an editor in, answers and diagnostics out."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.uris import to_fs_path

from ... import __version__
from ..._base import KnotholeError, headline
from ...trees.editing.canonical import canonical
from ...trees.problems import Problem
from .completion import Suggestion, complete
from .navigation import Span, Symbol, definition, explain, mention_at, outline, references, rename
from .text import Position, Text
from .workspace import Open, Workspace

PAUSE: Final = 0.15
"""Seconds without a key before a text is checked."""
_KINDS: Final = {"node": 7, "port": 5, "key": 10, "value": 12, "entry": 6, "tree": 17}
"""Kind of suggestion → completion item kind: class, field, property, value, variable, file."""
_TRIGGERS: Final = ["$", "{", " ", ":"]


def serve_stream(source: BinaryIO, sink: BinaryIO) -> int:
    """Serve one editor until it says exit; return 0 if it said shutdown before, else 1, as the protocol wants."""
    server = LanguageServer(
        "knothole",
        __version__,
        text_document_sync_kind=t.TextDocumentSyncKind.Full,
        protocol_cls=_Protocol,
        max_workers=2,
    )
    features = _Features(server)
    server.start_io(source, sink)
    return 0 if features.stopped else 1


class _Protocol(LanguageServerProtocol):
    """Answers a request that cannot be read; pygls only logs it, and the editor would wait for ever."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], None, error.to_response_error())
            raise


class _Features:
    """The features of one server, and the files that are open in it."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.workspace = Workspace()
        self.told: dict[str, set[str]] = {}
        self.stopped = False
        completion = t.CompletionOptions(trigger_characters=_TRIGGERS)
        features: list[tuple[str, Callable[..., Any], Any]] = [
            (t.INITIALIZED, self.initialized, None),
            (t.SHUTDOWN, self.shutdown, None),
            (t.TEXT_DOCUMENT_DID_OPEN, self.did_open, None),
            (t.TEXT_DOCUMENT_DID_CHANGE, self.did_change, None),
            (t.TEXT_DOCUMENT_DID_SAVE, self.did_save, None),
            (t.TEXT_DOCUMENT_DID_CLOSE, self.did_close, None),
            (t.TEXT_DOCUMENT_COMPLETION, self.completion, completion),
            (t.TEXT_DOCUMENT_HOVER, self.hover, None),
            (t.TEXT_DOCUMENT_DEFINITION, self.definition, None),
            (t.TEXT_DOCUMENT_REFERENCES, self.references, None),
            (t.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename, None),
            (t.TEXT_DOCUMENT_RENAME, self.rename, t.RenameOptions(prepare_provider=True)),
            (t.TEXT_DOCUMENT_DOCUMENT_SYMBOL, self.symbols, None),
            (t.TEXT_DOCUMENT_FORMATTING, self.formatting, None),
        ]
        for name, feature, options in features:
            server.feature(name, options)(_function(feature))

    def initialized(self, params: t.InitializedParams) -> None:
        """Read the project's configuration."""
        encoding = self.server.workspace.position_encoding
        self.workspace.encoding = str(getattr(encoding, "value", encoding) or "utf-16")
        root = self.server.workspace.root_path
        wrong = self.workspace.configure(Path(root) if root else None)
        if wrong:
            message = t.ShowMessageParams(t.MessageType.Error, wrong)
            self.server.window_show_message(message)

    def shutdown(self, params: None) -> None:
        """Note that the exit to come is in order."""
        self.stopped = True

    async def did_open(self, params: t.DidOpenTextDocumentParams) -> None:
        """Check a file that was opened."""
        document = params.text_document
        self.workspace.opened[document.uri] = Open(_path_of(document.uri), document.text, document.version)
        await self.check(document.uri)

    async def did_change(self, params: t.DidChangeTextDocumentParams) -> None:
        """Check a file a moment after its last change."""
        uri, version = params.text_document.uri, params.text_document.version
        file = self.workspace.opened.get(uri)
        if file is None:
            return
        file.text, file.version = self.server.workspace.get_text_document(uri).source, version
        await asyncio.sleep(PAUSE)
        if file.version == version:
            await self.check(uri)

    async def did_save(self, params: t.DidSaveTextDocumentParams) -> None:
        """Check all files: what one uses may have changed on the disk."""
        for uri in list(self.workspace.opened):
            await self.check(uri)

    async def did_close(self, params: t.DidCloseTextDocumentParams) -> None:
        """Forget a file; what was said of it and of others because of it is taken back."""
        uri = params.text_document.uri
        closed = self.workspace.opened.pop(uri, None)
        for told in self.told.pop(uri, set()) | {uri}:
            self.publish(told, None, [])
        if closed is not None:
            for other in self.workspace.touching(closed.path):
                await self.check(other)

    async def check(self, uri: str) -> None:
        """Check a file, then the open ones that use it."""
        file = self.workspace.opened.get(uri)
        if file is None:
            return
        await self.check_one(uri)
        for other in self.workspace.touching(file.path):
            await self.check_one(other)

    async def check_one(self, uri: str) -> None:
        file = self.workspace.opened.get(uri)
        if file is None:
            return
        version = file.version
        analysis = await asyncio.to_thread(self.workspace.analyse, uri)
        if self.workspace.opened.get(uri) is not file or file.version != version:
            return  # it was changed or closed meanwhile; that change brings its own check
        found: dict[str, list[Problem]] = {}
        for problem in analysis.problems if analysis is not None else ():
            found.setdefault(problem.place.file, []).append(problem)
        self.publish(uri, version, self.diagnostics(found.pop(file.path, []), Text(file.text, self.workspace.encoding)))
        others = {_uri_of(path): (path, problems) for path, problems in found.items()}
        for other, (path, problems) in others.items():
            if other not in self.workspace.opened:
                self.publish(other, None, self.diagnostics(problems, self.workspace.text_of(path)))
        for gone in self.told.get(uri, set()) - others.keys() - self.workspace.opened.keys():
            self.publish(gone, None, [])
        self.told[uri] = set(others)

    def publish(self, uri: str, version: int | None, found: list[t.Diagnostic]) -> None:
        self.server.text_document_publish_diagnostics(t.PublishDiagnosticsParams(uri, found, version))

    def diagnostics(self, problems: Iterable[Problem], text: Text) -> list[t.Diagnostic]:
        made = []
        for problem in problems:
            start = text.index_of(problem.place.line, problem.place.column)
            line = text.index_of(problem.place.line + 1, 1) if problem.place.line < len(text.yaml_starts) else None
            end = min(start + max(1, problem.width), len(text.text) if line is None else line - 1)
            parts = [problem.message]
            parts += [f"why: {problem.why}"] if problem.why else []
            parts += [f"did you mean: {', '.join(problem.guess)}"] if problem.guess else []
            parts += [f"fix: {problem.fix}"] if problem.fix else []
            severity = t.DiagnosticSeverity.Error if problem.severity == "error" else t.DiagnosticSeverity.Warning
            made.append(
                t.Diagnostic(
                    self.range(text, start, max(start, end)),
                    "\n".join(parts),
                    severity,
                    problem.code,
                    source="knothole",
                )
            )
        return made

    def completion(self, params: t.CompletionParams) -> t.CompletionList:
        """Say what can be written at the cursor."""
        uri = params.text_document.uri
        file = self.workspace.opened.get(uri)
        if file is None:
            return t.CompletionList(False, [])
        text = Text(file.text, self.workspace.encoding)
        index = self.index(text, params.position)
        found = complete(file.text, index, self.workspace.last(uri))
        return t.CompletionList(False, [self.item(each, text, index) for each in found])

    def item(self, each: Suggestion, text: Text, index: int) -> t.CompletionItem:
        insert = each.insert.replace("\\$", "$") if not each.snippet else each.insert
        return t.CompletionItem(
            each.label,
            kind=t.CompletionItemKind(_KINDS[each.kind]),
            detail=each.detail or None,
            documentation=t.MarkupContent(t.MarkupKind.Markdown, each.about) if each.about else None,
            sort_text=f"{each.rank}{each.label}",
            filter_text=each.label,
            insert_text_format=t.InsertTextFormat.Snippet if each.snippet else t.InsertTextFormat.PlainText,
            text_edit=t.TextEdit(self.range(text, each.start, index), insert),
        )

    def hover(self, params: t.HoverParams) -> t.Hover | None:
        """Explain what stands at the cursor."""
        analysis = self.workspace.current(params.text_document.uri)
        if analysis is None:
            return None
        page = explain(analysis, self.index(analysis.text, params.position))
        if page is None:
            return None
        words = t.MarkupContent(t.MarkupKind.Markdown, page.words)
        return t.Hover(words, self.range(analysis.text, page.start, page.end))

    def definition(self, params: t.DefinitionParams) -> t.Location | None:
        """Go to a tree, a declared node, or the first writer of an entry."""
        uri = params.text_document.uri
        analysis = self.workspace.current(uri)
        if analysis is None:
            return None
        path = self.workspace.opened[uri].path
        found = definition(self.workspace, analysis, path, self.index(analysis.text, params.position))
        return self.location(found, uri, path) if found is not None else None

    def references(self, params: t.ReferenceParams) -> list[t.Location]:
        """List the mentions of an entry or of a tree."""
        uri = params.text_document.uri
        analysis = self.workspace.current(uri)
        if analysis is None:
            return []
        path = self.workspace.opened[uri].path
        found = references(analysis, path, self.index(analysis.text, params.position))
        return [self.location(each, uri, path) for each in found]

    def prepare_rename(self, params: t.PrepareRenameParams) -> t.Range | None:
        """Say whether an entry stands at the cursor."""
        analysis = self.workspace.current(params.text_document.uri)
        mention = mention_at(analysis, self.index(analysis.text, params.position)) if analysis is not None else None
        if analysis is None or mention is None or mention.same:
            return None
        return self.range(analysis.text, mention.start, mention.end)

    def rename(self, params: t.RenameParams) -> t.WorkspaceEdit:
        """Give an entry another name in its tree."""
        uri = params.text_document.uri
        analysis = self.workspace.current(uri)
        try:
            if analysis is None:
                raise KnotholeError("this file is no YAML at the moment: correct it first")
            edits = rename(analysis, self.index(analysis.text, params.position), params.new_name)
        except KnotholeError as error:
            raise self.refusal(str(error)) from None
        text = analysis.text
        return t.WorkspaceEdit(
            changes={uri: [t.TextEdit(self.range(text, start, end), name) for start, end, name in edits]}
        )

    def symbols(self, params: t.DocumentSymbolParams) -> list[t.DocumentSymbol]:
        """Outline the trees and nodes of a file."""
        analysis = self.workspace.current(params.text_document.uri)
        return [self.symbol(each, analysis.text) for each in outline(analysis)] if analysis is not None else []

    def symbol(self, each: Symbol, text: Text) -> t.DocumentSymbol:
        return t.DocumentSymbol(
            each.name,
            t.SymbolKind.Class if each.kind == "tree" else t.SymbolKind.Function,
            self.range(text, each.start, each.end),
            self.range(text, *each.head),
            detail=each.detail or None,
            children=[self.symbol(inner, text) for inner in each.below],
        )

    def formatting(self, params: t.DocumentFormattingParams) -> list[t.TextEdit]:
        """Put a file into its canonical form; one with a mistake that forbids it stays as it is."""
        file = self.workspace.opened.get(params.text_document.uri)
        if file is None:
            return []
        try:
            made = canonical(file.text, file.path)
        except KnotholeError as error:
            raise self.refusal(headline(error)) from None
        if made == file.text:
            return []
        text = Text(file.text, self.workspace.encoding)
        return [t.TextEdit(self.range(text, 0, len(file.text)), made)]

    def refusal(self, words: str) -> Exception:
        return JsonRpcException(words, t.LSPErrorCodes.RequestFailed.value)

    def index(self, text: Text, position: t.Position) -> int:
        return text.index(Position(position.line, position.character))

    def range(self, text: Text, start: int, end: int) -> t.Range:
        return t.Range(t.Position(*text.position(start)), t.Position(*text.position(end)))

    def location(self, span: Span, uri: str, path: str) -> t.Location:
        where = uri if span.path == path else _uri_of(span.path)
        return t.Location(where, self.range(span.text, span.start, span.end))


def _function(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls a method: pygls marks what it registers, and methods cannot be marked."""
    if inspect.iscoroutinefunction(method):

        async def later(params: Any) -> Any:
            return await method(params)

        return later

    def now(params: Any) -> Any:
        return method(params)

    return now


def _path_of(uri: str) -> str:
    return to_fs_path(uri) or uri


def _uri_of(path: str) -> str:
    return Path(path).resolve().as_uri()
