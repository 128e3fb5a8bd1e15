"""Hungarian and the other languages of locale/: compile them, collect new words, check that none is missing.

python tools/translations.py compile    .po → .mo, in pure Python: running Fonal needs no gettext
python tools/translations.py collect    words of code and templates → locale/hu (needs gettext)
python tools/translations.py check      fails when a word is missing, empty or fuzzy (needs gettext)
"""

from __future__ import annotations

import ast
import os
import string
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
ROOMS = ("server", "gateway", "chatui", "operations", "simulator")


def compile_all() -> int:
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        polib.pofile(str(po)).save_as_mofile(str(po.with_suffix(".mo")))
    return 0


def collect() -> int:
    """Bring the words into locale/hu: new ones come empty, gone ones go."""
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        known = polib.pofile(str(po), wrapwidth=110)
        known.merge(_words_in_use())
        for entry in [entry for entry in known if entry.obsolete]:
            known.remove(entry)
        for entry in known:
            entry.previous_msgid = entry.previous_msgctxt = entry.previous_msgid_plural = None
        known.sort(key=lambda entry: (entry.msgid.lower(), entry.msgctxt or ""))
        known.save()
        print(f"{po.relative_to(ROOT)}: {len(known.untranslated_entries())} to translate, {len(known.fuzzy_entries())} to look at")
    return 0


def check() -> int:
    problems = [f"{place}: within an f-string, where gettext does not see it" for place in _words_in_f_strings()]
    used = {_key(entry): entry for entry in _words_in_use()}
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")) or [LOCALE / "hu" / "LC_MESSAGES" / "django.po"]:
        name = po.relative_to(ROOT)
        known = {_key(entry): entry for entry in polib.pofile(str(po)) if not entry.obsolete} if po.exists() else {}
        for key, entry in used.items():
            where = ", ".join(f"{path}:{line}" for path, line in entry.occurrences[:2])
            if key not in known:
                problems.append(f"{name}: missing: {entry.msgid!r} ({where})")
            elif known[key].fuzzy:
                problems.append(f"{name}: fuzzy: {entry.msgid!r} ({where})")
            elif not known[key].translated():
                problems.append(f"{name}: not translated: {entry.msgid!r} ({where})")
            elif difference := _placeholders_differ(known[key]):
                problems.append(f"{name}: {difference}: {entry.msgid!r}")
    print("\n".join(problems) or f"{len(used)} phrases, all translated")
    if problems:
        print(f"\n{len(problems)} to do: `make messages`, then fill them in locale/hu/LC_MESSAGES/django.po")
    return bool(problems)


def _key(entry: polib.POEntry) -> tuple[str, str, str]:
    return entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""


def _placeholders_differ(entry: polib.POEntry) -> str:
    wanted = _placeholders(entry.msgid_plural or entry.msgid)
    # The form for one may leave the number out: "Anna wrote:", "3 messages came:".
    allowed = [wanted, _placeholders(entry.msgid)] if entry.msgid_plural else [wanted]
    for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
        if _placeholders(text) not in allowed:
            return f"placeholders {sorted(_placeholders(text))} instead of {sorted(wanted)}"
    return ""


def _placeholders(text: str) -> set[str]:
    """The %(names)s and {names} of a phrase."""
    named = {part.split(")")[0] for part in text.split("%(")[1:]}
    try:
        return named | {field for _, field, _, _ in string.Formatter().parse(text) if field}
    except ValueError:
        return named


def _words_in_f_strings() -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in ast.walk(ast.parse(path.read_text()))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"_", "gettext", "gettext_lazy", "pgettext"}
    ]


def _words_in_use() -> polib.POFile:
    """What xgettext finds in the Python files and, through Django, in the templates."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.utils.translation import templatize

    keywords = "gettext_noop gettext_lazy ngettext_lazy:1,2 pgettext:1c,2 npgettext:1c,2,3 pgettext_lazy:1c,2 npgettext_lazy:1c,2,3"
    sources = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*")) if path.suffix in {".py", ".html", ".txt"}]
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for path in sources:
            if "migrations" in path.parts or "static" in path.parts:
                continue
            copy = Path(folder) / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            copy.write_text(text if path.suffix == ".py" else templatize(text, origin=str(path)), encoding="utf-8")
            names.append(str(copy.relative_to(folder)))
        output = Path(folder) / "words.pot"
        command = [
            "xgettext",
            "--language=Python",
            "--from-code=UTF-8",
            "--keyword=_",
            *(f"--keyword={k}" for k in keywords.split()),
        ]
        command += ["--add-comments=Translators", "--output", str(output), "--files-from=-"]
        subprocess.run(command, input="\n".join(names), text=True, cwd=folder, check=True)
        if not output.exists():
            return polib.POFile()
        # xgettext writes CHARSET when all phrases are plain ASCII.
        content = output.read_text(encoding="utf-8").replace("charset=CHARSET", "charset=UTF-8")
        return polib.pofile(content)


if __name__ == "__main__":
    commands = {"compile": compile_all, "collect": collect, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]]())
