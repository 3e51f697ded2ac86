// What we ask, apart from how we ask it.

export const LOGIN = `
  mutation Login($input: LoginInput!) {
    login(input: $input) { session { accessToken } userErrors { message } }
  }
`;

export const OVERVIEW = `
  query Overview {
    organizations(first: 3) {
      nodes {
        name
        memberships(first: 3) { nodes { role user { email } } }
        groups(first: 3) { totalCount nodes { name things(first: 2) { nodes { name } } } }
        things(first: 1) { nodes { id name state { reported } } }
        deployments(first: 3) { totalCount nodes { name status } }
        otaJobs(first: 3) {
          totalCount
          nodes { status executions(first: 2) { nodes { status thing { name } } } }
        }
      }
    }
  }
`;

export const WATCH = `
  subscription Watch($scope: EventScopeInput, $after: String) {
    thingStateChanged(scope: $scope, after: $after) {
      cursor
      state { version reported }
    }
  }
`;

export const REPORT = `
  mutation Report($input: ReportThingStateInput!) {
    reportThingState(input: $input) { userErrors { message } }
  }
`;
