/** The nonce of this answer's Content Security Policy; empty in the browser, which must not be able to read it. */
import { createContext, useContext } from 'react'

const NonceContext = createContext<string | undefined>(undefined)

export const Nonce = NonceContext.Provider

export function useNonce(): string | undefined {
  return useContext(NonceContext)
}
