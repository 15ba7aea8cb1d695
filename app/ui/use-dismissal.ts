/** A menu that is put away by Escape, and by a press anywhere else. */
import { type RefObject, useEffect, useRef, useState } from 'react'

/** @returns `box` goes on the element that holds the menu and what opens it, which is marked `aria-expanded` */
export function useDismissal<E extends HTMLElement>(): {
  box: RefObject<E | null>
  isOpen: boolean
  setOpen: (open: boolean) => void
} {
  const box = useRef<E>(null)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    if (!isOpen) return
    const close = (event: Event) => {
      const isInside = box.current?.contains(event.target as Node) === true
      const isPutAway = event instanceof KeyboardEvent ? event.key === 'Escape' : !isInside
      if (!isPutAway) return
      // Whoever was in it by keys goes on from what opened it.
      if (isInside) box.current?.querySelector<HTMLElement>('[aria-expanded]')?.focus()
      setOpen(false)
    }
    addEventListener('keydown', close)
    addEventListener('pointerdown', close)
    return () => {
      removeEventListener('keydown', close)
      removeEventListener('pointerdown', close)
    }
  }, [isOpen])
  return { box, isOpen, setOpen }
}
