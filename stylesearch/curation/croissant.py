"""A set's metadata in Croissant, the format by which machine-learning libraries know data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylesearch.errors import InputError

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
TAR, PARQUET = "application/x-tar", "application/x-parquet"

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {
    "string": "sc:Text",
    "int64": "sc:Integer",
    "int32": "sc:Integer",
    "double": "sc:Float",
    "bool": "sc:Boolean",
}


def describe(
    folder: Path,
    *,
    name: str,
    description: str,
    licenses: Sequence[str],
    citation: str,
    tables: Mapping[str, Mapping[str, str]],
    meanings: Mapping[str, str],
    shards: Sequence[str],
) -> dict[str, Any]:
    """Return the metadata of an export.

    Parameters
    ----------
    folder:
        Where the export is; files are named relative to it, and their digests are taken.
    licenses:
        URIs of the rights statements that its images have.
    tables:
        Path of each table to its columns, and of each column the type as Arrow names it.
    meanings:
        What columns mean, by ``table.column`` without the table's ending.
    shards:
        Paths of the shards.
    """
    objects = [_file(folder, path, PARQUET) for path in tables] + [
        _file(folder, path, TAR) for path in shards
    ]
    pictures = {
        "@type": "cr:FileSet",
        "@id": "pictures",
        "name": "pictures",
        "description": "The images as their sources gave them, each under its key.",
        "containedIn": [{"@id": path} for path in shards],
        "encodingFormat": "image/*",
        "includes": "*.*",
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": CONFORMS_TO,
        "citeAs": citation,
        "license": list(licenses),
        "version": "1.0.0",
        "distribution": [*objects, pictures],
        "recordSet": [_records(path, columns, meanings) for path, columns in tables.items()],
    }


def _file(folder: Path, path: str, kind: str) -> dict[str, Any]:
    with (folder / path).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{(folder / path).stat().st_size} B",
        "encodingFormat": kind,
        "sha256": sha256,
    }


def _records(path: str, columns: Mapping[str, str], meanings: Mapping[str, str]) -> dict[str, Any]:
    name = Path(path).stem
    fields = []
    for column, kind in columns.items():
        item = kind.removeprefix("list<").partition(": ")[2].rstrip(">") if kind.startswith("list<") else kind
        one: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": f"{name}/{column}",
            "description": meanings.get(f"{name}.{column}", column.replace("_", " ")),
            "dataType": _TYPES[item],
            "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
        }
        fields.append(one | ({"repeated": True} if kind.startswith("list<") else {}))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": meanings.get(name, name),
        "field": fields,
    }


def check(folder: Path, values: Any) -> None:
    """Check what was written: that every file is there and as it says, and that every field has its column.

    Raises
    ------
    InputError
        ``croissant``, naming the first thing that is not so.
    """
    import pyarrow.parquet as pq

    try:
        if values["conformsTo"] != CONFORMS_TO or not values["name"] or not values["description"]:
            raise ValueError("it is no Croissant 1.0, or has no name or description")
        files = {one["@id"]: one for one in values["distribution"] if one["@type"] == "cr:FileObject"}
        for path, one in files.items():
            if (folder / path).resolve().is_relative_to(folder.resolve()) is False:
                raise ValueError(f"{path} is outside the folder")
            with (folder / path).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != one["sha256"]:
                    raise ValueError(f"{path} is not the file that it was written for")
        for records in values["recordSet"]:
            for field in records["field"]:
                path, column = field["source"]["fileObject"]["@id"], field["source"]["extract"]["column"]
                if path not in files or column not in pq.read_schema(folder / path).names:
                    raise ValueError(f"{field['@id']} has no column")
    except (KeyError, TypeError, OSError, ValueError) as error:
        raise InputError(
            f"The Croissant file in {folder} does not hold: {error}.", hint="Export again.", code="croissant"
        ) from None
