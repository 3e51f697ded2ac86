/**
 * One visit to examples/live-fleet in headless Chromium:
 *
 *     node visit_live_fleet.mjs ADDRESS FACTS FOLDER_FOR_SCREENSHOTS
 *
 * FACTS is JSON: who signs in, and which thing, organization and deployment to look at. What has to happen meanwhile at
 * the gateway or to the network is asked of `ADDRESS/control/...`. Prints one JSON object: what each step showed, and
 * everything that went wrong on the way. The judging is done by test_live_fleet.py; a step that never shows what it
 * waits for ends the visit with its name.
 */

import { createRequire } from 'node:module';
import path from 'node:path';

// The browser driver is a development dependency of the explorer, not of the tests' folder.
const require = createRequire(new URL('../../explorer/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const [address, facts, folder] = process.argv.slice(2);
const { email, password, thing, silent, organization, deployment } = JSON.parse(facts);
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

const report = { errors: [], violations: [], foreign: [], refreshes: 0, steps: {} };

function listen(page) {
  page.on('pageerror', (error) => report.errors.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(address).origin) report.foreign.push(request.url());
    if (request.postData()?.includes('mutation RefreshSession')) report.refreshes += 1;
  });
}

async function control(name, body = {}) {
  const answer = await fetch(`${address}/control/${name}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.json();
}

const shoot = (page, name) => page.screenshot({ path: path.join(folder, `${name}.png`) });
const status = (page) => page.locator('.status');
const count = (page, name) => page.locator(`[data-count="${name}"]`);
const chart = (page) => page.locator('svg.chart');

async function number(page, name) {
  return Number((await count(page, name).innerText()).replaceAll(',', ''));
}

function untilCount(page, name, expected) {
  return page.waitForFunction(
    ([key, value]) => document.querySelector(`[data-count="${key}"]`)?.textContent === String(value),
    [name, expected],
  );
}

async function untilPoints(page, least) {
  await page.waitForFunction(
    (points) => Number(document.querySelector('svg.chart')?.getAttribute('data-points') ?? 0) >= points,
    least,
  );
  return Number(await chart(page).getAttribute('data-points'));
}

/** Resolves when a pixel of the map has the colour of a report; looks at every frame. */
function untilFlash(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const canvas = document.querySelector('.map canvas');
        const flash = getComputedStyle(canvas).getPropertyValue('--flash').trim();
        const wanted = [1, 3, 5].map((at) => Number.parseInt(flash.slice(at, at + 2), 16));
        const look = () => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          for (let at = 0; at < data.length; at += 4) {
            if (wanted.every((value, part) => Math.abs(data[at + part] - value) < 6)) return resolve(flash);
          }
          return requestAnimationFrame(look);
        };
        look();
      }),
  );
}

/** As somebody looks for a thing: a part of its name, then the row. */
async function choose(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('row').filter({ hasText: name }).click();
  await page.getByLabel('Name').fill('');
  await page.locator('.thing h2').filter({ hasText: name }).waitFor();
}

async function visit(page) {
  const step = async (name, run) => {
    report.step = name;
    report.steps[name] = await run();
  };

  await step('opens', async () => {
    await page.goto(address);
    await page.getByLabel('Password').waitFor();
    await shoot(page, 'signed-out');
    return page.title();
  });
  await step('wrongPassword', async () => {
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(`${password} not`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return page.getByRole('alert').innerText();
  });
  await step('signIn', async () => {
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await status(page).filter({ hasText: /^Live$/ }).waitFor();
    await untilCount(page, 'things', (await control('fleet')).things);
    return { things: await number(page, 'things'), connected: await number(page, 'connected') };
  });
  await step('report', async () => {
    await choose(page, thing.name);
    await page.getByLabel('Value in the chart').selectOption('temperature');
    const flash = untilFlash(page);
    await control('report', { id: thing.id, values: [-11.5] });
    await page.locator('output').filter({ hasText: '-11.5' }).waitFor();
    return {
      flash: await flash,
      points: await untilPoints(page, 1),
      row: await page.getByRole('row').filter({ hasText: thing.name }).innerText(),
    };
  });
  await step('keyboard', async () => {
    await page.locator('.things .body').focus();
    const before = await page.locator('.thing h2').innerText();
    await page.keyboard.press('ArrowDown');
    await page.locator('.thing h2').filter({ hasNotText: before }).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.locator('.thing h2').filter({ hasText: before }).waitFor();
    // The history of a thing that is chosen again comes from the log.
    return untilPoints(page, 1);
  });
  await step('connects', async () => {
    const before = await number(page, 'connected');
    await control('report', { id: silent.id, values: [-19] });
    await untilCount(page, 'connected', before + 1);
    return { before, after: await number(page, 'connected') };
  });
  await step('deployment', async () => {
    const row = page.locator(`[data-deployment="${deployment}"] > .bars`);
    const before = await row.getAttribute('aria-label');
    await control('progress');
    await page.waitForFunction(
      ([id, label]) => document.querySelector(`[data-deployment="${id}"] > .bars`)?.getAttribute('aria-label') !== label,
      [deployment, before],
    );
    return { before, after: await row.getAttribute('aria-label') };
  });
  await step('rollout', async () => {
    const row = page.locator(`[data-deployment="${deployment}"]`);
    const badge = row.locator('.badge');
    const button = (name) => row.getByRole('button', { name, exact: true });
    const shown = async () => ({
      badge: await badge.innerText(),
      phases: await row.locator('[data-phase]').evaluateAll((all) => all.map((each) => each.dataset.status)),
    });
    const running = { ...(await shown()), labels: await row.locator('.phases .bars').evaluateAll(
      (all) => all.map((each) => each.getAttribute('aria-label')),
    ) };
    await button('Pause').click();
    await badge.filter({ hasText: /^paused$/ }).waitFor();
    await row.locator('[data-phase][data-status="PAUSED"]').first().waitFor();
    const paused = await shown();
    await button('Resume').click();
    await badge.filter({ hasText: /^in progress$/ }).waitFor();
    const before = await row.locator('> .bars').getAttribute('aria-label');
    await control('fail', { id: deployment });
    await badge.filter({ hasText: /^paused$/ }).waitFor();
    const reason = await row.locator('[data-stop]').innerText();
    const stopped = { ...(await shown()), reason, before, after: await row.locator('> .bars').getAttribute('aria-label') };
    await row.scrollIntoViewIfNeeded();
    await shoot(page, 'stopped');
    await button('Abort').click();
    await button('Keep').click();
    await button('Abort').click();
    await button('Abort for good').click();
    await row.waitFor({ state: 'detached' });
    return { running, paused, stopped };
  });
  await step('cut', async () => {
    const points = await untilPoints(page, 1);
    await control('cut');
    await status(page).filter({ hasText: 'Reconnecting' }).waitFor();
    await control('report', { id: thing.id, values: [-12, -13, -14, -15, -16] });
    await control('rename', { id: thing.id, name: `${thing.name} renamed` });
    await page.locator('.status').filter({ hasText: /attempt [1-9]/ }).waitFor();
    await shoot(page, 'reconnecting');
    await control('mend');
    await status(page).filter({ hasText: 'resumed after 6 missed events' }).waitFor();
    await page.locator('output').filter({ hasText: '-16' }).waitFor();
    await page.locator('.thing h2').filter({ hasText: 'renamed' }).waitFor();
    await untilPoints(page, points + 5);
    await shoot(page, 'resumed');
    return { points, after: Number(await chart(page).getAttribute('data-points')), status: await status(page).innerText() };
  });
  await step('renewal', async () => {
    const { opened } = await control('sockets');
    const refreshes = report.refreshes;
    await page.waitForRequest((request) => request.postData()?.includes('mutation RefreshSession') === true);
    await control('expire');
    await control('report', { id: thing.id, values: [-17] });
    await page.locator('output').filter({ hasText: '-17' }).waitFor();
    return { opened, after: (await control('sockets')).opened, refreshes: report.refreshes - refreshes };
  });
  await step('overrun', async () => {
    const points = await untilPoints(page, 1);
    await control('overrun', true);
    await control('report', { id: thing.id, values: [-17.1, -17.2, -17.3] });
    await page.locator('output').filter({ hasText: '-17.3' }).waitFor();
    await untilPoints(page, points + 3);
    const overruns = await control('overrun', false);
    return { overruns, points, after: await untilPoints(page, points + 3), status: await status(page).innerText() };
  });
  await step('forgotten', async () => {
    await control('cut');
    await status(page).filter({ hasText: 'Reconnecting' }).waitFor();
    await control('report', { id: thing.id, values: [-18] });
    await control('forget', { id: thing.id });
    await control('mend');
    await status(page).filter({ hasText: 'read anew' }).waitFor();
    await page.locator('output').filter({ hasText: '-20' }).waitFor();
    await control('report', { id: thing.id, values: [-21] });
    await page.locator('output').filter({ hasText: '-21' }).waitFor();
    return status(page).innerText();
  });
  await step('scope', async () => {
    await page.getByLabel('Organization').selectOption(organization);
    const { things } = await control('fleet', { organization });
    await untilCount(page, 'things', things);
    await page.getByLabel('Connection').selectOption('connected');
    const grid = await page.getByRole('grid').getAttribute('aria-label');
    await page.getByLabel('Connection').selectOption('any');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shoot(page, 'dark');
    return { things, grid, connected: await number(page, 'connected') };
  });
  await step('reload', async () => {
    await page.reload();
    await status(page).filter({ hasText: /^Live$/ }).waitFor();
    return page.locator('.person').innerText();
  });
  await step('ended', async () => {
    await control('end');
    return page.getByRole('alert').innerText();
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
    await shoot(page, 'failure');
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(report, null, 2));
