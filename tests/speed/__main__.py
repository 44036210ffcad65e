"""`make speed`: every measurement that needs no data from elsewhere. Retrieval quality takes a folder in BEIR form:
`python -m tests.speed.retrieval FOLDER`."""

from tests.speed import cold, ingestion, vectors


def main() -> None:
    for title, measure in (("Cold start", cold.main), ("Ingestion", ingestion.main), ("Vectors", vectors.main)):
        print(f"== {title}")
        measure()


if __name__ == "__main__":
    main()
