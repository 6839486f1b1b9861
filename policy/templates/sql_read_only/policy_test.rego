package agentgate.templates.sql_read_only_test

import data.agentgate.templates.sql_read_only

settings := {"*": {"*": {"*": {"sql-read-only": {"tools": {"query": {"argument": "sql", "others": ["limit"]}}}}}}}

call(name, arguments) := {"method": "tools/call", "upstream": "u", "name": name, "arguments": arguments}

caller := {"tenant": "t", "agent": "a"}

said(statement) := decision.effect if {
	asked := call("query", {"sql": statement})
	decision := sql_read_only.decision with input as {"caller": caller, "call": asked} with data.settings as settings
}

reading := {
	"SELECT 1",
	"  select * from t where name = 'ö' ",
	"with x as (select 1) select * from x;",
	"select updated_at, offset from t",
	"explain select 1",
	"select replace(a, 'x', 'y') from t",
	"select pg_get_viewdef('v'), pg_size_pretty(pg_total_relation_size('t'))",
	"select * from pg_stat_activity",
	"select extract(year from d) from t join (select 1) as u on true",
}

test_reading if {
	every statement in reading {
		said(statement) == "allow"
	}
}

refused := {
	"select 1; drop table t",
	"delete from t",
	"with x as (delete from t returning *) select * from x",
	"explain analyze insert into t values (1)",
	"select 1 -- x",
	"select /* x */ 1",
	"select * into t2 from t",
	"select * from t for update",
	"select * from t for share",
	"select pg_read_file('/etc/passwd')",
	`select "pg_read_file"('/etc/passwd')`,
	`select U&"\0070g_read_file"('x')`,
	"select load_extension('x')",
	"select pg_sleep(1000)",
	"selectx",
	"select 1into t2 from t",
	"select 1 shutdown",
	"select pg_notify('a', 'b')",
	"select * from read_text('/etc/passwd')",
	"select * from '/etc/passwd'",
	"select * from url('https://a.example')",
	"",
	"pragma writable_schema = 1",
	["select 1"],
	null,
}

test_refused if {
	every statement in refused {
		said(statement) == "deny"
	}
}

test_another_argument if {
	every arguments, effect in {{"sql": "select 1", "limit": 5}: "allow", {"sql": "select 1", "db": "x"}: "deny", {}: "deny"} {
		decision := sql_read_only.decision with data.settings as settings
			with input as {"caller": caller, "call": call("query", arguments)}
		decision.effect == effect
	}
}

test_another_tool if {
	asked := call("execute", {"sql": "select 1"})
	not sql_read_only.decision with input as {"caller": caller, "call": asked} with data.settings as settings
}

test_listed if {
	items := [{"name": "query"}, {"name": "execute"}]
	sql_read_only.opens == {"query"} with data.settings as settings
		with input as {"caller": caller, "call": {"method": "tools/list", "upstream": "u"}, "items": items}
}

excepted(arguments) := decision.exceptable if {
	decision := sql_read_only.decision with data.settings as settings
		with input as {"caller": caller, "call": call("query", arguments)}
}

test_what_lets_itself_be_excepted if {
	every statement in {"delete from t where id = 1", "UPDATE t set a = 'ö'", "insert into t values (1);", "merge into t"} {
		excepted({"sql": statement, "limit": 1}) == true
	}
}

test_what_does_not if {
	every statement in {
		"delete from t; drop table t", "delete from t -- x", "drop table t", "delete from t shutdown", "copy t to program 'x'", "call f()",
		"insert into t select pg_read_file('x')", "insert into t select a into outfile 'x' from u", "grant all on t to x",
		"with x as (delete from t returning *) select * from x", 1, null, "",
	} {
		excepted({"sql": statement}) == false
	}
	excepted({"sql": "delete from t", "db": "x"}) == false
	excepted({}) == false
}
