/**
 * One visit to the explorer in headless Chromium, as a newcomer makes it:
 *
 *     node visit.mjs ADDRESS EMAIL PASSWORD FOLDER_FOR_SCREENSHOTS
 *
 * Prints one JSON object: what each step showed, and everything that went wrong on the way. The judging is
 * done by test_explorer.py; a step that never shows what it waits for ends the visit with its name.
 */

import { createRequire } from 'node:module';
import path from 'node:path';

// The browser driver is a development dependency of the explorer, not of the tests' folder.
const require = createRequire(new URL('../../explorer/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const [address, email, password, folder] = process.argv.slice(2);
const PATIENCE_MS = 30_000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const report = { errors: [], violations: [], foreign: [], failed: [], sockets: [], steps: {} };

function listen(page) {
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') report.errors.push(message.text());
  });
  page.on('pageerror', (error) => report.errors.push(String(error)));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== new URL(address).origin) report.foreign.push(request.url());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) report.failed.push(`${response.status()} ${response.url()}`);
  });
  page.on('websocket', (socket) => report.sockets.push(socket.url()));
}

/** The grammar arrives after the editor. */
function untilColoured(page) {
  return page.waitForFunction(() => {
    const words = document.querySelectorAll('.graphiql-query-editor .view-line span[class^=mtk]');
    return new Set([...words].map((word) => word.className)).size > 3;
  });
}

const status = (page) => page.locator('.fg-status-text');
const answer = (page) => page.locator('.graphiql-response .view-lines');

/** The answer pane shows only the lines in view; GraphiQL keeps the whole text in its model. */
function wholeAnswer(page) {
  return page.evaluate(() => {
    const models = globalThis.__MONACO.editor.getModels();
    return models.find((model) => model.uri.path.endsWith('response.json')).getValue();
  });
}

async function openTab(page, name) {
  await page.getByRole('tab', { name }).or(page.locator('.graphiql-tab', { hasText: name })).first().click();
}

async function play(page) {
  await page.locator('.graphiql-execute-button').click();
}

async function untilStatus(page, pattern) {
  await status(page).filter({ hasText: pattern }).waitFor();
  return status(page).innerText();
}

/** A thing of the fleet, and what lets it report; this is not the visitor, but somebody who works with the fleet. */
async function reporter() {
  let authorization;
  const ask = async (query, variables) => {
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const body = JSON.stringify({ query, variables });
    const response = await fetch(new URL('/graphql', address), { method: 'POST', headers, body });
    return (await response.json()).data;
  };
  const signIn = 'mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } } }';
  const { login } = await ask(signIn, { input: { email, password } });
  authorization = `Bearer ${login.session.accessToken}`;
  const { things } = await ask('{ things(first: 1, orderBy: [{ field: NAME }]) { nodes { id } } }');
  const thing = things.nodes[0].id;
  const reports = 'mutation ($input: ReportThingStateInput!) { reportThingState(input: $input) { userErrors { code } } }';
  return { thing, report: (reported) => ask(reports, { input: { thingId: thing, reported } }) };
}

async function visit(page) {
  const step = async (name, run) => {
    report.step = name;
    report.steps[name] = await run();
  };

  await step('opens', async () => {
    const response = await page.goto(address);
    await page.locator('.graphiql-query-editor .view-lines').filter({ hasText: 'FleetOverview' }).waitFor();
    await untilColoured(page);
    await page.screenshot({ path: path.join(folder, 'signed-out.png') });
    return { policy: response.headers()['content-security-policy'] ?? '', title: await page.title() };
  });
  await step('documentation', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.locator('.graphiql-doc-explorer-content').getByText('Subscription', { exact: true }).waitFor();
    const text = await page.locator('.graphiql-doc-explorer-content').innerText();
    await page.screenshot({ path: path.join(folder, 'documentation.png') });
    await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
    return text;
  });
  await step('wrongPassword', async () => {
    // A click into the documentation has closed the panel that a signed-out visitor finds open.
    if ((await page.getByLabel('E-mail').count()) === 0) await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(`${password} not`);
    await page.locator('.fg-panel button[type=submit]').click();
    await page.locator('.fg-problem').waitFor();
    return page.locator('.fg-problem').innerText();
  });
  await step('signIn', async () => {
    await page.getByLabel('Password').fill(password);
    await page.locator('.fg-panel button[type=submit]').click();
    await page.locator('.fg-account').waitFor();
    return page.locator('.fg-account').innerText();
  });
  await step('query', async () => {
    await play(page);
    await untilStatus(page, ' ms ');
    await answer(page).filter({ hasText: 'organizations' }).waitFor();
    await page.screenshot({ path: path.join(folder, 'query.png') });
    return JSON.parse(await wholeAnswer(page));
  });
  await step('mutation', async () => {
    await openTab(page, 'ReportState');
    await page.locator('.graphiql-editor-tool .view-lines').filter({ hasText: 'thing_' }).first().waitFor();
    await play(page);
    await answer(page).filter({ hasText: 'reportThingState' }).waitFor();
    await page.screenshot({ path: path.join(folder, 'mutation.png') });
    return JSON.parse(await wholeAnswer(page));
  });
  await step('subscription', async () => {
    await openTab(page, 'WatchStates');
    await play(page);
    await untilStatus(page, /live · [1-9]\d* event/);
    const first = JSON.parse(await wholeAnswer(page));
    await page.waitForFunction(
      (cursor) => !document.querySelector('.graphiql-response .view-lines').textContent.includes(cursor),
      first.data.thingStateChanged.cursor,
    );
    const second = JSON.parse(await wholeAnswer(page));
    await page.screenshot({ path: path.join(folder, 'subscription.png') });
    return { first, second, status: await status(page).innerText() };
  });
  await step('reported', async () => {
    const { thing, report } = await reporter();
    await play(page); // stops
    await page.evaluate((id) => {
      const models = globalThis.__MONACO.editor.getModels();
      const variables = models.find((model) => model.uri.path.endsWith('variables.json'));
      variables.setValue(JSON.stringify({ scope: { thingIds: [id] }, after: null }, null, 2));
    }, thing);
    await play(page);
    await untilStatus(page, /^live/);
    const visitor = `visitor ${Date.now()}`;
    const reporting = setInterval(() => void report({ visitor }), 1000);
    let shown;
    try {
      shown = await page.waitForFunction((expected) => {
        const models = globalThis.__MONACO.editor.getModels();
        const text = models.find((model) => model.uri.path.endsWith('response.json')).getValue();
        const event = text.startsWith('{') && JSON.parse(text).data?.thingStateChanged;
        return event?.patch?.visitor === expected && event;
      }, visitor);
      await page.screenshot({ path: path.join(folder, 'reported.png') });
    } finally {
      clearInterval(reporting);
    }
    return { visitor, event: await shown.jsonValue(), status: await status(page).innerText() };
  });
  await step('reload', async () => {
    await page.reload();
    await page.locator('.fg-account').waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await openTab(page, 'FleetOverview');
    await play(page);
    await answer(page).filter({ hasText: 'organizations' }).waitFor();
    await page.screenshot({ path: path.join(folder, 'dark.png') });
    return page.locator('.fg-account').innerText();
  });
  await step('signOut', async () => {
    await page.locator('.fg-account').click();
    await page.screenshot({ path: path.join(folder, 'account.png') });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).first().waitFor();
    return page.evaluate(() => sessionStorage.length);
  });
  delete report.step;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: FLAGS,
});
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.exposeFunction('reportViolation', (violation) => report.violations.push(violation));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.violatedDirective}: ${event.blockedURI} (${event.sourceFile})`);
    });
  });
  listen(page);
  try {
    await visit(page);
  } catch (failure) {
    report.failure = String(failure);
    await page.screenshot({ path: path.join(folder, 'failure.png') });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(report, null, 2));
