"""What each program of kazoo prints: a line of JSON a step."""
import json


def step(name, ok, detail=None):
    print(json.dumps({"step": name, "ok": bool(ok), "detail": detail}, default=str), flush=True)


def raises(error, call):
    try:
        call()
    except error:
        return True
    return False
