from tests.functions.parse_gpu.pooled import pooled  # noqa: F401
