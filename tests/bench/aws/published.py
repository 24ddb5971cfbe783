"""What others were measured to do, by whom and when."""

from __future__ import annotations

from typing import Any

SAIRFLOW = "Mikina, Zuk, Rzadca: sAirflow, arXiv 2406.01374, 2024-06"
MESSAGING = "bitesizedserverless.com, Serverless Messaging: Latency Compared, 2022-09"

PUBLISHED: dict[str, dict[str, Any]] = {
    "chain of 40": {
        "Step Functions Standard, from one function to the next": {
            "p50_ms": 99.1,
            "p99_ms": 250,
            "source": MESSAGING,
        },
        "Step Functions Express, the same": {"p50_ms": 77.3, "p99_ms": 241, "source": MESSAGING},
    },
    "fan-out of 125": {
        "sAirflow, cold": {"says": "scales out in seconds to 125 workers", "source": SAIRFLOW},
        "MWAA, cold": {"says": "2 to 7 times sAirflow's makespan", "source": SAIRFLOW},
    },
}
