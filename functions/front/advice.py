"""What to do about each problem, by its slug."""

ADVICE = {
    "invalid-request": "Correct the fields that `errors` points to and send the request again. /openapi.json describes "
    "every field.",
    "unauthenticated": "Send a valid API key as `Authorization: Bearer <key>`. Keys are made by `aegis keys create` or "
    "POST /keys; an expired or revoked one has to be replaced.",
    "budget-exceeded": "Wait until the budget's window ends, or have an admin raise the cap.",
    "forbidden": "Use a key whose role and scopes allow the call; `detail` names what is missing.",
    "not-found": "Check the id. What belongs to another tenant, or was deleted, answers like what never existed.",
    "method-not-allowed": "Use one of the methods that /openapi.json lists for the path.",
    "conflict": "Another call is at work on the same thing, or it is not in the state that the call needs. Look at its "
    "status and try again.",
    "too-large": "Send a smaller body, or have the operator raise AEGIS_MAX_UPLOAD_BYTES.",
    "unsupported-media-type": "Send JSON as `application/json`, and files as `multipart/form-data`.",
    "unsupported-format": "GET /formats lists what is taken. The content decides, not the name: a renamed file stays "
    "what it is.",
    "empty-file": "The file holds nothing. Check how it was made, and upload it again.",
    "idempotency-mismatch": "Use a new Idempotency-Key for a new body.",
    "rate-limited": "Wait for the seconds in `Retry-After`. The X-RateLimit headers show what is left; a higher tier "
    "allows more.",
    "internal": "Try again. If it stays, give the operator the `request_id`: the logs hold the cause.",
    "store-unavailable": "Nothing is lost. Try again after the seconds in `Retry-After`; /health/ready shows which "
    "store is away.",
    "deadline": "Ask for less at once, or try again when there is less load.",
    "disk-full": "Free some room on the disk that holds the data folder, and try again; nothing was stored.",
}
