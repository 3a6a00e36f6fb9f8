import type {
  CampaignJob,
  Fuzzing,
  Specification,
} from "../../../../src/tools/fuzz/campaign/work.ts";

export function beginToy(specification: Specification, job: CampaignJob, pace: number): Fuzzing;
