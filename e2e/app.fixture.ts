/** The web process alone, on a database of the test's own, and a browser to look at it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { buildScreens } from '#bin/builds.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import { freePort } from '#bin/testing/free-port.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

export interface RunningApp {
  url: string
  stop(): Promise<void>
}

/** Builds the screens when they are stale, then starts the process and waits until it says that it is ready. */
export async function startApp(databaseUrl: string): Promise<RunningApp> {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-app-'))
  await buildScreens(join(home, 'build.log'))
  const port = await freePort()
  const child = spawn(process.execPath, ['app/main.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      ISOCENTER_HOME: home,
      ISOCENTER_APP_PORT: String(port),
      ISOCENTER_SECRET_KEY: DEMONSTRATION.secretKey,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [first] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => [{ type: 'ended' }]),
  ])
  if ((first as { type: string }).type !== 'ready') throw new Error(`the app did not start:\n${said}`)
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
}

/** Signs in as a person does, and waits until the list on which their role lands is there and listens. */
export async function signIn(
  page: Page,
  url: string,
  { user, password }: { user: string; password: string },
): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.waitForURL((address) => address.pathname !== '/sign-in')
  await listens(page)
}

/** Waits until a page has its keys and hears of changes. What is pressed before is lost: nobody is that fast, but a loaded machine is that slow. */
export async function listens(page: Page): Promise<void> {
  await page.locator('.connection').getByText('Live', { exact: true }).waitFor()
}

function chromiumPath(): string {
  const folder = process.env.PATH!.split(delimiter).find((one) => existsSync(join(one, 'chromium')))
  if (folder === undefined) throw new Error('chromium is not installed')
  return join(folder, 'chromium')
}
