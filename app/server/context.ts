/** What loaders and actions get from the process: the department, and facts of the request. */
import { createContext } from 'react-router'
import type { Department } from '#db/department.ts'

export interface AppServer {
  department: Department
  /** True when browsers reach the app by HTTPS, so that the session cookie must be Secure. */
  secure: boolean
  /** A demonstration department says so on every page. */
  isDemo: boolean
}

export interface RequestFacts {
  nonce: string
  ip: string
}

export const serverContext = createContext<AppServer>()
export const requestContext = createContext<RequestFacts>()
