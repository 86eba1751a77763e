"""Checks the payment files of a folder with programs that are not ours: pain.001 against its schema, which comes with
sepaxml, and the file of Nacha with the reader of achkit. Says what is wrong and ends with 1 if anything is."""

import pathlib
import sys

import achkit
import sepaxml
import xmlschema

PAYMENTS = 250


def main(folder: pathlib.Path) -> int:
    schema = pathlib.Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"
    wrong = [f"pain.001: {error.reason} at {error.path}" for error in xmlschema.XMLSchema(str(schema)).iter_errors(str(folder / "pain001.xml"))]

    text = (folder / "nacha.txt").read_text("ascii")
    found = achkit.validate(text)
    wrong += [f"nacha: {error['message']} ({error['field']})" for error in found["errors"]]
    entries = [entry for batch in achkit.parse(text)["batches"] for entry in batch["entries"]]
    total = sum(entry["amount_cents"] for entry in entries)
    expected = 1001 * PAYMENTS * (PAYMENTS + 1) // 2
    if (len(entries), total) != (PAYMENTS, expected):
        wrong.append(f"nacha: {len(entries)} entries of {total} cents instead of {PAYMENTS} of {expected}")

    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
