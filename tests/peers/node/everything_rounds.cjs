// What the conformance suite asks for by name about results that need more input (2026-07-28), for the TypeScript SDK 2.x.
const { object, said, text } = require("./everything_tools.cjs");

const ask = (lib, message, member, type = "string") =>
  lib.inputRequired.elicit({ mode: "form", message, requestedSchema: object({ [member]: { type } }) });
const sample = (lib, words, maxTokens) =>
  lib.inputRequired.createMessage({ messages: [{ role: "user", content: text(words) }], maxTokens });

// rounds(lib, states): the tools, as in everything_tools.cjs; `states` seals and opens request states.
function rounds(lib, states) {
  const need = (inputRequests, requestState) => lib.inputRequired({ inputRequests, requestState });
  const content = (ctx, key) => lib.acceptedContent(ctx.mcpReq.inputResponses, key);
  const answers = (ctx) => ctx.mcpReq.inputResponses ?? {};

  const tools = {
    elicitation: (ctx) => {
      const given = content(ctx, "user_name");
      return given ? said(`Hello, ${given.name}!`) : need({ user_name: ask(lib, "What is your name?", "name") });
    },
    sampling: (ctx) => {
      const given = answers(ctx).capital_question;
      if (!given) return need({ capital_question: sample(lib, "What is the capital of France?", 100) });
      return said(`The model said: ${given.content?.text}`);
    },
    list_roots: (ctx) => {
      const given = answers(ctx).client_roots;
      if (!given) return need({ client_roots: lib.inputRequired.listRoots() });
      return said(`Roots: ${given.roots.map((root) => root.uri).join(", ")}`);
    },
    request_state: async (ctx) => {
      if (answers(ctx).confirm && ctx.mcpReq.requestState()) return said("state-ok: confirmation received");
      return need({ confirm: ask(lib, "Please confirm", "ok", "boolean") }, await states.mint({ nonce: 1 }));
    },
    multiple_inputs: async (ctx) => {
      const given = answers(ctx);
      if (given.user_name && given.greeting && given.client_roots) return said("All inputs received.");
      const requests = {
        user_name: ask(lib, "What is your name?", "name"),
        greeting: sample(lib, "Generate a greeting", 50),
        client_roots: lib.inputRequired.listRoots(),
      };
      return need(requests, await states.mint({ kind: "multiple" }));
    },
    multi_round: async (ctx) => {
      const state = ctx.mcpReq.requestState() ?? { round: 0 };
      const [name, color] = [content(ctx, "step1")?.name, content(ctx, "step2")?.color];
      if (state.round === 1 && name) {
        return need({ step2: ask(lib, "Step 2: What is your favorite color?", "color") }, await states.mint({ round: 2, name }));
      }
      if (state.round === 2 && color) return said(`${state.name} likes ${color}.`);
      return need({ step1: ask(lib, "Step 1: What is your name?", "name") }, await states.mint({ round: 1 }));
    },
    tampered_state: async (ctx) => {
      if (ctx.mcpReq.requestState()) return said("state-ok");
      return need({ confirm: ask(lib, "Please confirm", "ok", "boolean") }, await states.mint({ round: 1 }));
    },
    capabilities: (ctx) => {
      const declared = ctx.mcpReq.envelope?.[lib.CLIENT_CAPABILITIES_META_KEY];
      const requests = {};
      if (declared?.sampling) requests.sample = sample(lib, "Say hello", 50);
      if (declared?.elicitation) requests.ask = ask(lib, "What is your name?", "name");
      return Object.keys(requests).length ? need(requests) : said("nothing was declared");
    },
  };
  const named = Object.entries(tools).map(([name, answer]) => [
    `test_input_required_result_${name}`,
    [object(), (_args, ctx) => answer(ctx)],
  ]);
  return Object.fromEntries(named);
}

function prompt(lib, ctx) {
  const given = lib.acceptedContent(ctx.mcpReq.inputResponses, "user_context");
  const user_context = ask(lib, "What context should the prompt use?", "context");
  if (!given) return lib.inputRequired({ inputRequests: { user_context } });
  return { messages: [{ role: "user", content: text(`Use the following context: ${given.context}`) }] };
}

module.exports = { prompt, rounds };
