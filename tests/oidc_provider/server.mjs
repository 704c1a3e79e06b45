// A certified OpenID provider (npm: oidc-provider) with one client and an account for whoever asks, for the tests.
// node server.mjs PORT CALLBACK
import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "earshot", client_secret: "a+b/c=% of the tests", redirect_uris: [callback] }],
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["of the tests"] },
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@acme.example`, email_verified: true, name: `${id} at Acme` }),
  }),
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
