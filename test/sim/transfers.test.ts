/** Half of the seeded transfers; the other half is in transfers-even.test.ts. */
import { seededTransfers } from "./support/seeded-transfers.ts";

seededTransfers(1);
