// What we ask, apart from how we ask it.

import { gql } from '@apollo/client';

export const LOGIN = gql`
  mutation Login($input: LoginInput!) {
    login(input: $input) { session { accessToken } userErrors { message } }
  }
`;

export const OVERVIEW = gql`
  query Overview {
    organizations(first: 3) {
      nodes {
        id
        name
        memberships(first: 3) { nodes { id role user { id email } } }
        groups(first: 3) { totalCount nodes { id name things(first: 2) { nodes { id name } } } }
        things(first: 1) { nodes { id name state { reported } } }
        deployments(first: 3) { totalCount nodes { id name status } }
        otaJobs(first: 3) {
          totalCount
          nodes { id status executions(first: 2) { nodes { id status thing { id name } } } }
        }
      }
    }
  }
`;

export const WATCH = gql`
  subscription Watch($scope: EventScopeInput, $after: String) {
    thingStateChanged(scope: $scope, after: $after) {
      cursor
      thing { id name state { version reported } }
    }
  }
`;

export const REPORT = gql`
  mutation Report($input: ReportThingStateInput!) {
    reportThingState(input: $input) { userErrors { message } }
  }
`;
