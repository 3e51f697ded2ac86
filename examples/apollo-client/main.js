// Signs in, asks one nested query, and sees a thing's report arrive on a subscription.

import { connect } from './client.js';
import { LOGIN, OVERVIEW, REPORT, WATCH } from './operations.js';

const address = process.env.FLEETGRAPH_URL ?? 'http://127.0.0.1:8000';
const email = process.env.FLEETGRAPH_EMAIL ?? 'demo@example.com';
const password = process.env.FLEETGRAPH_PASSWORD ?? 'fleetgraph-demo';
const subscriptions = process.env.FLEETGRAPH_SUBSCRIPTIONS ?? 'socket'; // or 'http'
const WAIT_MS = 30_000;

let accessToken;
const { client, socket } = connect(address, () => accessToken, { subscriptions });

/** What the caller can correct comes back in `userErrors` of the mutation. */
function accepted(payload) {
  if (payload.userErrors.length > 0) throw new Error(payload.userErrors.map((error) => error.message).join('; '));
  return payload;
}

async function main() {
  const login = await client.mutate({ mutation: LOGIN, variables: { input: { email, password } } });
  accessToken = accepted(login.data.login).session.accessToken;

  // 1. One query: organizations with their people, groups, things, deployments and OTA jobs.
  const { data } = await client.query({ query: OVERVIEW });
  for (const { name, memberships, groups, deployments, otaJobs } of data.organizations.nodes) {
    console.log(
      `${name}: ${groups.totalCount} groups, ${deployments.totalCount} deployments, ${otaJobs.totalCount} OTA jobs`,
    );
    for (const { role, user } of memberships.nodes) console.log(`  ${user?.email} is ${role}`);
    for (const group of groups.nodes) {
      console.log(`  ${group.name}: ${group.things.nodes.map((thing) => thing.name).join(', ')}`);
    }
  }
  const [thing] = data.organizations.nodes.flatMap((organization) => organization.things.nodes);
  if (!thing) throw new Error('There is no thing in this fleet.');

  // 2. Watch that thing. Its new state also lands in Apollo's cache, so every view of it is up to date.
  const reported = { example: `apollo-client ${Date.now()}` };
  let watching;
  const seen = new Promise((resolve, reject) => {
    watching = client.subscribe({ query: WATCH, variables: { scope: { thingIds: [thing.id] } } }).subscribe({
      next({ data: change, error }) {
        if (error) return reject(error);
        const { thing, cursor } = change.thingStateChanged;
        if (thing.state.reported.example === reported.example) resolve({ ...thing, cursor });
      },
      error: reject,
      complete: () => reject(new Error('The subscription ended.')),
    });
    setTimeout(() => reject(new Error(`No change arrived within ${WAIT_MS / 1000} seconds.`)), WAIT_MS).unref();
  });

  // 3. The thing reports once a second, as things do, until we have seen it.
  const report = async () => {
    const answer = await client.mutate({ mutation: REPORT, variables: { input: { thingId: thing.id, reported } } });
    accepted(answer.data.reportThingState);
  };
  const reporting = setInterval(() => void report().catch(fail), 1000);

  const { name, state, cursor } = await seen;
  clearInterval(reporting);
  console.log(`${name} reported "${state.reported.example}" in version ${state.version}, seen at cursor ${cursor}`);
  watching.unsubscribe();
  client.stop();
  await socket.dispose();
}

function fail(error) {
  const { message, code } = error.cause ?? error;
  console.error(`Failed: ${message || code}`);
  process.exit(1);
}

main().catch(fail);
