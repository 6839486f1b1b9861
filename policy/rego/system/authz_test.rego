package system.authz_test

import data.system.authz

test_an_entry_point if authz.allow with input as {"method": "POST", "path": ["v1", "data", "agentgate", "decision"]}

test_health if authz.allow with input as {"method": "GET", "path": ["health"]}

test_data if not authz.allow with input as {"method": "PUT", "path": ["v1", "data", "agentgate", "grants"]}

test_another_document if not authz.allow with input as {"method": "POST", "path": ["v1", "data", "agentgate", "grants"]}

test_a_query if not authz.allow with input as {"method": "POST", "path": ["v1", "query"]}
