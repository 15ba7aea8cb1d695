/** Which operating-system user a program runs as: Postgres refuses root, so root lends it an ordinary user. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface SystemUser {
  uid: number
  gid: number
}

/** The user Postgres runs as: ours when we are an ordinary user, else `postgres`, else `nobody`. */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const user = lookUp(name)
    if (user) return user
  }
  return { uid: 65534, gid: 65534 }
}

function lookUp(name: string): SystemUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}

/** Whether a user can enter a folder: root sees below a 0700 folder, the user it lends to Postgres does not. */
export function canEnter(folder: string, user: SystemUser | undefined): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'test -d "$1" && test -x "$1"', 'sh', folder], {
    ...user,
    cwd: '/',
  })
  return probe.status === 0
}
