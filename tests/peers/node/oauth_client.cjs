// The TypeScript SDKs as clients that log in by themselves: plan and answer as in tests/oauth/python_client.py.
// argv: the folder with node_modules, "v2" (@modelcontextprotocol/client) or "v1" (@modelcontextprotocol/sdk), the plan.
const { createRequire } = require("node:module");

const [folder, generation, planText] = process.argv.slice(-3);
const load = createRequire(`${folder}/`);
const plan = JSON.parse(planText);
const CALLBACK = "http://127.0.0.1:1/callback";

function sdk() {
  if (generation === "v2") return load("@modelcontextprotocol/client");
  const base = "@modelcontextprotocol/sdk/client";
  return { ...load(`${base}/index.js`), ...load(`${base}/sse.js`), ...load(`${base}/streamableHttp.js`), ...load(`${base}/auth.js`) };
}

// What the client has of the authorization server, and the person who opens the page of the login, and agrees.
class Provider {
  redirectUrl = CALLBACK;
  clientMetadata = {
    client_name: "typescript",
    redirect_uris: [CALLBACK],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_post",
  };

  constructor() {
    // Only where the server's own resource is kept, any is fine.
    if (plan.keep) this.validateResourceURL = async (_server, resource) => new URL(resource);
  }
  state = () => "state";
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  async redirectToAuthorization(url) {
    const answer = await fetch(url, { redirect: "manual" });
    this.came = new URL(answer.headers.get("location")).searchParams;
  }
}

function transport(lib, authProvider) {
  const kind = plan.url.endsWith("/sse") ? lib.SSEClientTransport : lib.StreamableHTTPClientTransport;
  return new kind(new URL(plan.url), { authProvider });
}

const finish = (way, came) => (generation === "v2" ? way.finishAuth(came) : way.finishAuth(came.get("code")));

async function connected(lib, provider) {
  const options = generation === "v2" ? { versionNegotiation: { mode: plan.mode } } : {};
  for (let left = 2; ; left--) {
    const made = new lib.Client({ name: "typescript", version: "1.0.0" }, options);
    const way = transport(lib, provider);
    try {
      await made.connect(way);
      return { made, way };
    } catch (error) {
      if (!provider.came || left === 0) throw error;
      await finish(way, provider.came);
      provider.came = undefined;
    }
  }
}

async function call({ made, way }, provider, name, args) {
  for (let left = 1; ; left--) {
    try {
      const result = await made.callTool({ name, arguments: args });
      return result.content.map((part) => part.text ?? "").join("");
    } catch (error) {
      if (!provider.came || left === 0) return { failed: error.constructor.name };
      await finish(way, provider.came);
      provider.came = undefined;
    }
  }
}

async function main() {
  const lib = sdk();
  const provider = new Provider();
  let outcomes = [];
  let why;
  try {
    const at = await connected(lib, provider);
    for (const [name, args] of plan.calls) outcomes.push(await call(at, provider, name, args));
    await at.made.close();
  } catch (error) {
    outcomes = [{ failed: error.constructor.name }];
    why = String(error.stack);
  }
  process.stdout.write(JSON.stringify({ outcomes, why }), () => process.exit(0));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
