"""Events as dicts, as an agent would write them."""

HOUR = 3_600_000  # ms: longer than any test


def register(agent_id, **fields):
    return {"kind": "register", "agent_id": agent_id, **fields}


def activity(agent_id, **fields):
    return {"kind": "activity", "agent_id": agent_id, **fields}


def idle(agent_id, **fields):
    return {"kind": "idle", "agent_id": agent_id, **fields}


def unregister(agent_id, **fields):
    return {"kind": "unregister", "agent_id": agent_id, **fields}


def told(monitor, agent, *events):
    """Sends the events one by one and waits until they were read."""
    for event in events:
        agent.send(event)
    monitor.settled(agent)
