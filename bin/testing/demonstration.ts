/** What every test and measurement seeds the demonstration department with: one secret, so that its passwords are known. */
import type { DemoSettings } from '#db/seed/demo.ts'

export const DEMONSTRATION: DemoSettings = {
  secretKey: 'a'.repeat(64),
  listen: '127.0.0.1',
  ports: { emr: 2576, storeScp: 11_113, moveScu: 11_114, testScu: 11_115 },
}
