import { expect, test } from 'vitest'
import { readConfiguration } from './configuration-document.ts'

const device = (more: object) =>
  readConfiguration({ devices: [{ aeTitle: 'CT1', site: 'MAIN', ...more }] }).devices![0]!

test('what guards the door is checked before it is applied, and other rules of a device are let through', () => {
  const fingerprint = 'AB:'.repeat(31).concat('AB')
  const policy = {
    tls: 'required',
    certificate: { fingerprint },
    maxAssociations: 2,
    duplicateInstance: 'refuse',
  }
  expect(device({ allowedAddresses: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'], policy }).policy).toEqual(
    policy,
  )
  for (const wrong of [
    { allowedAddresses: ['10.0.0.0/99'] },
    { allowedAddresses: ['everybody'] },
    { policy: { tls: 'sometimes' } },
    { policy: { certificate: {} } },
    { policy: { certificate: { fingerprint: 'AB' } } },
    { policy: { maxAssociations: 0 } },
  ])
    expect(() => device(wrong)).toThrow('invalid-message')
})
