/** `GET /metrics`: figures of the department and of this process in Prometheus' text format. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Department } from '#db/department.ts'
import { health } from '#db/queries/health.ts'

const registry = new Registry()
collectDefaultMetrics({ register: registry, prefix: 'isocenter_app_' })

const phases = gauge('isocenter_orders', 'Orders by phase', ['phase'])
const items = gauge('isocenter_work_items', 'Open work items by kind', ['kind'])
const up = gauge('isocenter_process_up', 'Whether a process beats', ['process'])
const figures = gauge('isocenter_figure', 'Ages in milliseconds, counts and bytes, as health reads them', [
  'name',
])

function gauge(name: string, help: string, labelNames: string[]): Gauge {
  return new Gauge({ name, help, labelNames, registers: [registry] })
}

export async function metricsText({ sql }: Department): Promise<string> {
  const [byPhase, byKind, found] = await Promise.all([
    sql<{ phase: string; n: number }[]>`select phase, count(*) as n from orders group by phase`,
    sql<
      { kind: string; n: number }[]
    >`select kind, count(*) as n from work_items where state in ('open', 'claimed') group by kind`,
    health(sql, new Date()),
  ])
  phases.reset()
  items.reset()
  for (const { phase, n } of byPhase) phases.set({ phase }, n)
  for (const { kind, n } of byKind) items.set({ kind }, n)
  for (const [process, { status }] of Object.entries(found.processes))
    up.set({ process }, status === 'ok' ? 1 : 0)
  for (const [name, value] of Object.entries(found.figures)) figures.set({ name }, value ?? 0)
  return registry.metrics()
}
