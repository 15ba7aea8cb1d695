/** For `ref`: the option that the arrow keys stand on is never outside of what is seen. */
export function intoView(option: HTMLElement | null): void {
  option?.scrollIntoView({ block: 'nearest' })
}
