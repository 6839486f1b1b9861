package agentgate.templates.tasks_test

import data.agentgate.templates.tasks

test_a_task_goes_on if {
	tasks.decision.effect == "allow" with input as {"call": {"direction": "client", "method": "tasks/get"}}
	not tasks.decision with input as {"call": {"direction": "server", "method": "tasks/get"}}
	not tasks.decision with input as {"call": {"direction": "client", "method": "tasks/update"}}
}

test_tasks_are_listed if {
	tasks.opens == {"1"} with input as {"call": {"method": "tasks/list"}, "items": [{"name": "1"}]}
	tasks.opens == set() with input as {"call": {"method": "tools/list"}, "items": [{"name": "1"}]}
}
