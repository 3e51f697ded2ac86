// Fleetgraph with no client library but `graphql-sse`: fetch for queries and mutations, server-sent events to watch.

import { connect } from './client.js';
import { OVERVIEW, REPORT, WATCH } from './operations.js';

const url = new URL('/graphql', process.env.FLEETGRAPH_URL ?? 'http://127.0.0.1:8000');
const email = process.env.FLEETGRAPH_EMAIL ?? 'demo@example.com';
const password = process.env.FLEETGRAPH_PASSWORD ?? 'fleetgraph-demo';
const WAIT_MS = 30_000;

let accessToken;

/** Asks over HTTP and returns `data`; what the whole request failed on is thrown. */
async function ask(query, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(WAIT_MS),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map((error) => error.message).join('; '));
  return data;
}

/** What the caller can correct comes back in `userErrors` of the mutation. */
function accepted(payload) {
  if (payload.userErrors.length > 0) throw new Error(payload.userErrors.map((error) => error.message).join('; '));
  return payload;
}

async function signIn() {
  const login = `mutation Login($input: LoginInput!) {
    login(input: $input) { session { accessToken } userErrors { message } }
  }`;
  const { session } = accepted((await ask(login, { input: { email, password } })).login);
  accessToken = session.accessToken;
}

async function main() {
  await signIn();

  // 1. One query: organizations with their people, groups, things, deployments and OTA jobs.
  const { organizations } = await ask(OVERVIEW);
  for (const { name, memberships, groups, deployments, otaJobs } of organizations.nodes) {
    console.log(
      `${name}: ${groups.totalCount} groups, ${deployments.totalCount} deployments, ${otaJobs.totalCount} OTA jobs`,
    );
    for (const { role, user } of memberships.nodes) console.log(`  ${user?.email} is ${role}`);
    for (const group of groups.nodes) {
      console.log(`  ${group.name}: ${group.things.nodes.map((thing) => thing.name).join(', ')}`);
    }
  }
  const [thing] = organizations.nodes.flatMap((organization) => organization.things.nodes);
  if (!thing) throw new Error('There is no thing in this fleet.');

  // 2. Watch that thing. An answer that lasts, to a request like the others.
  const events = connect(url, () => accessToken);
  const reported = { example: `graphql-sse ${Date.now()}` };
  const seen = new Promise((resolve, reject) => {
    const operation = { query: WATCH, variables: { scope: { thingIds: [thing.id] } } };
    events.watch(operation, {
      next({ data, errors }) {
        if (errors) return reject(new Error(errors.map((error) => error.message).join('; ')));
        const { state, cursor } = data.thingStateChanged;
        if (state.reported.example === reported.example) resolve({ state, cursor }); // Not somebody else's report.
      },
      error: reject,
      complete: () => reject(new Error('The subscription ended.')),
    });
    setTimeout(() => reject(new Error(`No change arrived within ${WAIT_MS / 1000} seconds.`)), WAIT_MS).unref();
  });

  // 3. The thing reports once a second, as things do, until we have seen it.
  const report = async () => accepted((await ask(REPORT, { input: { thingId: thing.id, reported } })).reportThingState);
  const reporting = setInterval(() => void report().catch(fail), 1000);

  const { state, cursor } = await seen;
  console.log(`${thing.name} reported "${state.reported.example}" in version ${state.version}, seen at cursor ${cursor}`);
  clearInterval(reporting);
  events.dispose();
}

function fail(error) {
  const { message, code } = error.cause ?? error;
  console.error(`Failed: ${message || code}`);
  process.exit(1);
}

main().catch(fail);
