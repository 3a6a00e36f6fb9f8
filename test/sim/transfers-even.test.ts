/** Half of the seeded transfers; the other half is in transfers.test.ts. */
import { seededTransfers } from "./support/seeded-transfers.ts";

seededTransfers(0);
