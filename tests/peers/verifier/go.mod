module agentgate.example/verifier

go 1.26
