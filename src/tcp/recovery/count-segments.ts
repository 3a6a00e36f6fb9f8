/** What is under way in segments, for those who look: one record is one transmission, unless SACKs have joined some. */
import type { SentRecords } from "./sent-records.ts";

export interface SegmentCounts {
  unackedSegments: number;
  sackedSegments: number;
  lostSegments: number;
  resentSegments: number;
}

export function countSegments(sent: SentRecords | null, mss: number): SegmentCounts {
  const counts = { unackedSegments: 0, sackedSegments: 0, lostSegments: 0, resentSegments: 0 };
  sent?.forEach((bytes, sacked, lost, resent) => {
    const n = Math.max(1, Math.ceil(bytes / mss)); // a FIN alone is one, too
    counts.unackedSegments += n;
    if (sacked) counts.sackedSegments += n;
    if (lost) counts.lostSegments += n;
    if (resent) counts.resentSegments += n;
  });
  return counts;
}
