/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** The gateway's GraphQL endpoint, when the page is not served beside it: `https://fleet.example.com/graphql`. */
  readonly VITE_GRAPHQL_URL?: string;
}
