/** What every message about an order says of it, whatever it is about: to whom, of which site, patient, visit and order. */
import type { NameSaid, ProviderSaid } from '#domain/order-message.ts'
import type { Priority } from '#domain/words.ts'

export interface OrderDelivery {
  controlId: string
  destination: { receivingApplication: string; receivingFacility: string; policy: Record<string, unknown> }
  site: { id: string; zone: string }
  patient: {
    identifiers: { value: string; issuer: string; type: string }[]
    name: NameSaid
    birthDate: string | null
    sex: string | null
  }
  visit: { patientClass: string; location: string | null; number: string | null }
  placer: { value: string; authority: string } | null
  filler: { value: string; authority: string }
  accession: string
  priority: Priority
  requester: (ProviderSaid['name'] & { id?: string; authority?: string }) | null
}
