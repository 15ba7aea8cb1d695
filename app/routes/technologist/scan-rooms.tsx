import { useSearchParams } from 'react-router'
import type { ScanRoom, ScanStep } from '#db/queries/scan-queue.ts'
import { t } from '../../strings/words.ts'
import { useDepartmentNow } from '../../ui/department-clock.tsx'
import { duration } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'

/** A walk-in without a room stands in every room that could take it. */
export function isIn(step: ScanStep, room: ScanRoom): boolean {
  if (step.roomId !== null) return step.roomId === room.id
  const projection = ['DX', 'CR', 'XR']
  const fits =
    step.modality === room.modality || [step.modality, room.modality].every((m) => projection.includes(m))
  return fits && step.siteId === room.siteId
}

export function RoomLate({ since }: { since: Date }) {
  const lateMs = useDepartmentNow().getTime() - since.getTime()
  if (lateMs < 60_000) return null
  return (
    <span className="push small">
      {t('scan.room-runs')} <b className="late">{t('time-left.late', { duration: duration(lateMs) })}</b>
    </span>
  )
}

export function RoomButton({
  room,
  isChosen,
  onChoose,
}: {
  room: ScanRoom
  isChosen: boolean
  onChoose: () => void
}) {
  return (
    <button type="button" className="room" aria-pressed={isChosen} onClick={onChoose}>
      <b>{room.name}</b>
      <span>
        <RoomState room={room} />
        <small className="text-3">{t('scan.waiting', { n: room.waiting })}</small>
      </span>
    </button>
  )
}

function RoomState({ room }: { room: ScanRoom }) {
  const now = useDepartmentNow()
  const lateMs = room.lateSince ? now.getTime() - room.lateSince.getTime() : 0
  if (lateMs >= 60_000) {
    return (
      <span className="late">
        <Glyph name="alarm" /> {t('time-left.late', { duration: duration(lateMs) })}
      </span>
    )
  }
  const state = room.isBusy ? 'scanning' : room.isPreparing ? 'preparing' : 'free'
  return (
    <span className="text-2">
      <Glyph name={({ scanning: 'image', preparing: 'person', free: 'dash' } as const)[state]} />{' '}
      {t(`scan.${state}`)}
    </span>
  )
}

/**
 * The room stands in the address, so that a screen at a scanner stays at its scanner; without one it is the room this
 * person chose last.
 */
export function useRoom(
  rooms: ScanRoom[],
  kept: string | null,
): [ScanRoom | undefined, (id: string) => void] {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('room')
  const room =
    rooms.find(({ id }) => id === asked) ??
    rooms.find(({ id }) => id === kept) ??
    rooms.find(({ isBusy, waiting }) => isBusy || waiting > 0) ??
    rooms[0]
  return [room, (id) => setSearch({ room: id }, { replace: true, preventScrollReset: true })]
}
