from tests.stores import blobs, blobs_place  # noqa: F401
