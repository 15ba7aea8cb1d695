/** The demonstration department behind its screens: a database, the web process and a browser, opened and closed as one. */
import type { Browser } from 'playwright-core'
import { testDatabase } from '#bin/testing/database.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { type Demonstration, seedDemo } from '#db/seed/demo.ts'
import { openBrowser, type RunningApp, startApp } from './app.fixture.ts'

export interface Screens {
  department: Department
  demonstration: Demonstration
  app: RunningApp
  browser: Browser
  close(): Promise<void>
}

/** @param name what the test's own connections are called in the database */
export async function openScreens(name: string): Promise<Screens> {
  const databaseUrl = await testDatabase()
  const demonstration = await seedDemo(databaseUrl, DEMONSTRATION)
  const department = openDepartment(databaseUrl, { name, max: 4 })
  const app = await startApp(databaseUrl)
  const browser = await openBrowser()
  return {
    department,
    demonstration,
    app,
    browser,
    async close() {
      await browser.close()
      await app.stop()
      await department.close()
    },
  }
}
