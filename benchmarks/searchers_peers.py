"""The contenders of the benchmark of searching that are other people's: libraries, and stores that need no server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
from hard_gallery import BLOCK, CODES, DIM, K
from numpy.typing import NDArray
from searchers import Built, Searcher, Setting, size_of, timed, watched

from stylesearch.catalog import hnsw

GAPS = [8, 16, 32, 64, 128, 256, 512, 1000]


class Hnswlib(Searcher):
    name = "hnswlib"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        import hnswlib

        built, rows = Built(), len(self.hard.codes)
        self.index = hnswlib.Index("cosine", DIM)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.bin"
        if path.exists():
            self.index.load_index(str(path))
            return built
        self.index.init_index(rows, M=hnsw.HNSW_M, ef_construction=hnsw.HNSW_EF_CONSTRUCTION)
        with watched(built, lambda: [psutil.Process()]), timed(built, "index"):
            for start in range(0, rows, BLOCK):
                block = np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32)
                self.index.add_items(block, np.arange(start, start + len(block)))
        self.index.save_index(str(path))
        built.disk_bytes["index"] = path.stat().st_size
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        self.index.set_ef(max(K, setting["ef"]))
        self.index.set_num_threads(1)
        codes = self.hard.codes
        fits = None if bound >= CODES else lambda label: bool(codes[label] < bound)

        def ask(vector: NDArray[np.float16]) -> list[int]:
            try:
                found, _ = self.index.knn_query(vector.astype(np.float32), k=K, filter=fits)
            except RuntimeError:  # it has met fewer than ten
                return []
            return [int(one) for one in found[0]]

        return ask


class Faiss(Searcher):
    name = "FAISS"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        import faiss

        self.faiss = faiss
        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.faiss"
        if path.exists():
            self.index = faiss.read_index(str(path))
            return built
        self.index = faiss.IndexHNSWFlat(DIM, hnsw.HNSW_M, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = hnsw.HNSW_EF_CONSTRUCTION
        with watched(built, lambda: [psutil.Process()]), timed(built, "index"):
            for start in range(0, rows, BLOCK):
                self.index.add(np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32))
        faiss.write_index(self.index, str(path))
        built.disk_bytes["index"] = path.stat().st_size
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        self.faiss.omp_set_num_threads(1)
        parameters = self.faiss.SearchParametersHNSW(efSearch=setting["ef"])
        selector = None
        if bound < CODES:
            bits = np.packbits(self.hard.codes < bound, bitorder="little")
            selector = self.faiss.IDSelectorBitmap(bits)
            parameters = self.faiss.SearchParametersHNSW(efSearch=setting["ef"], sel=selector)

        def ask(vector: NDArray[np.float16]) -> list[int]:
            _ = selector  # kept alive
            _, found = self.index.search(vector.astype(np.float32)[None], K, params=parameters)
            return [int(one) for one in found[0] if one >= 0]

        return ask


class LanceDb(Searcher):
    name = "LanceDB"
    settings = tuple({"nprobes": 20, "ef": gap, "refine": refine} for gap, refine in ((64, 1), (64, 5), (128, 10), (256, 10), (512, 20), (1000, 50)))  # fmt: skip

    def build(self) -> Built:
        import lancedb
        import pyarrow as pa

        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        base = lancedb.connect(self.folder)
        if (self.folder / "done.json").exists():
            self.table = base.open_table("items")
            return built
        shutil.rmtree(self.folder / "items.lance", ignore_errors=True)
        schema = pa.schema(
            [("id", pa.int64()), ("code", pa.int32()), ("vector", pa.list_(pa.float32(), DIM))]
        )

        def batches() -> Iterator[Any]:
            for start in range(0, rows, BLOCK):
                block = np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32)
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array(np.arange(start, start + len(block))),
                        pa.array(self.hard.codes[start : start + len(block)].astype(np.int32)),
                        pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), DIM),
                    ],
                    schema=schema,
                )

        with watched(built, lambda: [psutil.Process()]):
            with timed(built, "descriptors"):
                self.table = base.create_table("items", batches(), schema=schema)
            with timed(built, "index"):
                self.table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", m=hnsw.HNSW_M, ef_construction=hnsw.HNSW_EF_CONSTRUCTION)  # fmt: skip
                self.table.create_scalar_index("code")
        built.disk_bytes["all"] = size_of(self.folder)
        (self.folder / "done.json").write_text(json.dumps(built.seconds))
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        def ask(vector: NDArray[np.float16]) -> list[int]:
            asked = (
                self.table.search(vector.astype(np.float32))
                .distance_type("cosine")
                .select(["id", "_distance"])
            )
            asked = (
                asked.nprobes(setting["nprobes"]).ef(setting["ef"]).refine_factor(setting["refine"]).limit(K)
            )
            if bound < CODES:
                asked = asked.where(f"code < {bound}", prefilter=True)
            return [int(one) for one in asked.to_arrow()["id"].to_pylist()]

        return ask


class MilvusLite(Searcher):
    name = "Milvus Lite"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        from pymilvus import DataType, MilvusClient, MilvusException

        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.client = MilvusClient(str(self.folder / "milvus.db"))
        if self.client.has_collection("items"):
            self.client.load_collection("items")
            return built
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("code", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIM)
        chosen = self.client.prepare_index_params()
        built_with = {"M": hnsw.HNSW_M, "efConstruction": hnsw.HNSW_EF_CONSTRUCTION}
        chosen.add_index("vector", index_type="HNSW", metric_type="COSINE", params=built_with)
        everything = psutil.Process()
        with watched(built, lambda: [everything, *everything.children(recursive=True)]):
            with timed(built, "descriptors"):
                self.client.create_collection("items", schema=schema)
                for start in range(0, rows, 1000):
                    block = np.array(self.hard.vectors[start : start + 1000], dtype=np.float32)
                    self.client.insert("items", [
                        {"id": start + number, "code": int(self.hard.codes[start + number]), "vector": vector}
                        for number, vector in enumerate(block)
                    ])  # fmt: skip
                self.client.flush("items")
            with timed(built, "index"):
                try:
                    self.client.create_index("items", chosen)
                except MilvusException as error:
                    # Its client loses patience in some minutes, and asks once more.
                    if "index already exists" not in error.message:
                        raise
                self.client.load_collection("items")
        built.disk_bytes["all"] = size_of(self.folder)
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        def ask(vector: NDArray[np.float16]) -> list[int]:
            found = self.client.search(
                "items",
                [vector.astype(np.float32).tolist()],
                filter=f"code < {bound}" if bound < CODES else "",
                limit=K,
                search_params={"params": {"ef": max(K, setting["ef"])}},
            )
            return [int(one["id"]) for one in found[0]]

        return ask

    def close(self) -> None:
        self.client.close()


class QdrantLocal(Searcher):
    """Qdrant's local mode, which compares everything in numpy and holds all in memory; it warns from 20,000 on."""

    name = "Qdrant local"

    def build(self) -> Built:
        from qdrant_client import QdrantClient, models

        self.models = models
        built = Built()
        self.client = QdrantClient(":memory:")
        self.client.create_collection("items", vectors_config=models.VectorParams(size=DIM, distance=models.Distance.COSINE))  # fmt: skip
        with watched(built, lambda: [psutil.Process()]), timed(built, "descriptors"):
            for start in range(0, len(self.hard.codes), 1000):
                block = np.array(self.hard.vectors[start : start + 1000], dtype=np.float32)
                self.client.upsert("items", models.Batch(
                    ids=list(range(start, start + len(block))),
                    vectors=block.tolist(),
                    payloads=[{"code": int(one)} for one in self.hard.codes[start : start + len(block)]],
                ))  # fmt: skip
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:  # noqa: ARG002
        models = self.models
        only = None
        if bound < CODES:
            only = models.Filter(must=[models.FieldCondition(key="code", range=models.Range(lt=bound))])

        def ask(vector: NDArray[np.float16]) -> list[int]:
            found = self.client.query_points("items", query=vector.astype(np.float32).tolist(), query_filter=only, limit=K)  # fmt: skip
            return [int(one.id) for one in found.points]

        return ask
