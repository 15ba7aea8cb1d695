/** What the health page shows beside the verdict: scanners by when they were last heard of, receivers by what they owe. */
import type { AnySql } from '../client.ts'

export interface DeviceHealth {
  aeTitle: string
  room: string | null
  modality: string | null
  profile: string
  enabled: boolean
  /** Department clock. */
  lastStepAt: Date | null
  lastImagesAt: Date | null
  /** Machine clock: it speaks of the device, not of patients. */
  lastQueryAt: Date | null
  studies: number
}

export interface ReceiverHealth {
  id: string
  name: string
  address: string
  enabled: boolean
  waiting: number
  unknown: number
  parked: number
  acknowledged: number
  oldestOpenAt: Date | null
  lastAcknowledgedAt: Date | null
}

export interface ParkedDelivery {
  id: string
  destination: string
  orderId: string
  accession: string
  reason: string | null
  lastAnswer: string | null
  attempts: number
}

export async function deviceHealth(sql: AnySql): Promise<DeviceHealth[]> {
  return await sql<DeviceHealth[]>`
    select d.ae_title as "aeTitle", r.name as room, d.modality, d.profile, d.enabled, heard."lastStepAt", heard."lastImagesAt",
      (select at from audit_events a where a.chain = 'device:' || d.ae_title and a.type = 'worklist.queried'
        order by a.chain_rev desc limit 1) as "lastQueryAt",
      coalesce(heard.studies, 0) as studies
    from devices d left join rooms r on r.id = d.room_id
      left join lateral (
        select max(ps.received_at) as "lastStepAt", max(s.last_instance_at) as "lastImagesAt", count(distinct s.id) as studies
        from performed_steps ps left join studies s on s.study_uid = ps.study_uid
        where ps.station_ae = d.ae_title) heard on true
    where d.kind = 'modality' order by r.position nulls last, d.ae_title`
}

export async function receiverHealth(sql: AnySql): Promise<ReceiverHealth[]> {
  return await sql<ReceiverHealth[]>`
    select d.id, d.name, d.host || ':' || d.port as address, d.enabled,
      count(x.id) filter (where x.state in ('waiting', 'sent')) as waiting,
      count(x.id) filter (where x.state = 'unknown') as unknown,
      count(x.id) filter (where x.state = 'parked') as parked,
      count(x.id) filter (where x.state = 'acknowledged') as acknowledged,
      min(x.released_at) filter (where x.state <> 'acknowledged') as "oldestOpenAt",
      max(x.acknowledged_at) as "lastAcknowledgedAt"
    from destinations d left join deliveries x on x.destination_id = d.id
    where d.retired_at is null group by d.id order by "oldestOpenAt" nulls last, d.id`
}

/** What was refused for good and waits for a person; later results of the same patient wait behind it. */
export async function parkedDeliveries(sql: AnySql): Promise<ParkedDelivery[]> {
  return await sql<ParkedDelivery[]>`
    select x.id, x.destination_id as destination, x.order_id as "orderId", o.accession, x.parked_reason as reason,
      x.last_answer as "lastAnswer", x.attempts
    from deliveries x join orders o on o.id = x.order_id join destinations t on t.id = x.destination_id
    where x.state = 'parked' and t.retired_at is null order by x.released_at limit 50`
}
