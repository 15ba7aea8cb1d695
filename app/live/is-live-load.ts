/** Whether loaders run again only because a screen's topics changed: not for an act, and not for another page. */
import type { ShouldRevalidateFunctionArgs } from 'react-router'

export function isLiveLoad({
  formMethod,
  currentUrl,
  nextUrl,
}: Pick<ShouldRevalidateFunctionArgs, 'formMethod' | 'currentUrl' | 'nextUrl'>): boolean {
  return formMethod === undefined && currentUrl.href === nextUrl.href
}
