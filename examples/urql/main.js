// Signs in, asks one nested query, and sees a thing's report arrive on a subscription.

import { connect } from './client.js';
import { LOGIN, OVERVIEW, REPORT, WATCH } from './operations.js';

const address = process.env.FLEETGRAPH_URL ?? 'http://127.0.0.1:8000';
const email = process.env.FLEETGRAPH_EMAIL ?? 'demo@example.com';
const password = process.env.FLEETGRAPH_PASSWORD ?? 'fleetgraph-demo';
const subscriptions = process.env.FLEETGRAPH_SUBSCRIPTIONS ?? 'socket'; // or 'events'
const WAIT_MS = 30_000;

let accessToken;
const { client, wire } = connect(address, () => accessToken, { subscriptions });

/** The data of an answer; what the whole request failed on is thrown. */
function data({ data, error }) {
  if (error) throw error.networkError ?? error;
  return data;
}

/** What the caller can correct comes back in `userErrors` of the mutation. */
function accepted(payload) {
  if (payload.userErrors.length > 0) throw new Error(payload.userErrors.map((error) => error.message).join('; '));
  return payload;
}

async function main() {
  const login = data(await client.mutation(LOGIN, { input: { email, password } }));
  accessToken = accepted(login.login).session.accessToken;

  // 1. One query: organizations with their people, groups, things, deployments and OTA jobs.
  const { organizations } = data(await client.query(OVERVIEW, {}));
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

  // 2. Watch that thing.
  const reported = { example: `urql ${Date.now()}` };
  const seen = new Promise((resolve, reject) => {
    client.subscription(WATCH, { scope: { thingIds: [thing.id] } }).subscribe((result) => {
      if (result.error) return reject(result.error);
      const { state, cursor } = result.data.thingStateChanged;
      if (state.reported.example === reported.example) resolve({ state, cursor }); // Not somebody else's report.
    });
    setTimeout(() => reject(new Error(`No change arrived within ${WAIT_MS / 1000} seconds.`)), WAIT_MS).unref();
  });

  // 3. The thing reports once a second, as things do, until we have seen it.
  const report = async () => {
    const answer = await client.mutation(REPORT, { input: { thingId: thing.id, reported } });
    accepted(data(answer).reportThingState);
  };
  const reporting = setInterval(() => void report().catch(fail), 1000);

  const { state, cursor } = await seen;
  clearInterval(reporting);
  console.log(`${thing.name} reported "${state.reported.example}" in version ${state.version}, seen at cursor ${cursor}`);
  await wire.dispose();
}

function fail(error) {
  const { message, code } = error.cause ?? error;
  console.error(`Failed: ${message || code}`);
  process.exit(1);
}

main().catch(fail);
