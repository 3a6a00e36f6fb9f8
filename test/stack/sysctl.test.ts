import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkSettings,
  formatSetting,
  parseSetting,
  SETTING_NAMES,
  settingInfo,
} from "../../src/stack/sysctl.ts";
import { DEFAULT_SETTINGS } from "../../src/tcp/config.ts";

function errorOf(text: string): string {
  const parsed = parseSetting(text);
  return parsed.ok ? `accepted ${text}` : parsed.error;
}

describe("the table of settings", () => {
  test("has a row for each setting, and each default is within its range", () => {
    expect([...SETTING_NAMES].toSorted()).toEqual(Object.keys(DEFAULT_SETTINGS).toSorted());
    expect(checkSettings(DEFAULT_SETTINGS)).toBeNull();
  });

  test("tells unit, range and meaning, and knows nothing of other names", () => {
    expect(settingInfo("tcp_msl")).toMatchObject({ name: "tcp_msl", unit: "s", least: 1 });
    expect(settingInfo("toString")).toBeNull();
  });
});

describe("reading KEY=VALUE", () => {
  test("each default, printed, reads back as itself", () => {
    for (const name of SETTING_NAMES) {
      const parsed = parseSetting(`${name}=${formatSetting(DEFAULT_SETTINGS, name)}`);
      const value = DEFAULT_SETTINGS[name];
      expect(parsed).toEqual({ ok: true, name, value, settings: { [name]: value } });
    }
  });

  test("accepts the prefix and the spacing that sysctl prints", () => {
    expect(parseSetting("net.ipv4.tcp_fin_timeout = 15")).toMatchObject({
      settings: { tcp_fin_timeout: 15 },
    });
    expect(parseSetting("net.core.somaxconn=128")).toMatchObject({ settings: { somaxconn: 128 } });
  });

  test("reads several numbers with blanks, tabs or commas between", () => {
    const settings = { tcp_rmem: [4096, 131072, 6291456] };
    expect(parseSetting("tcp_rmem=4096 131072 6291456")).toMatchObject({ settings });
    expect(parseSetting("tcp_rmem=4096\t131072\t6291456")).toMatchObject({ settings });
    expect(parseSetting("tcp_rmem=4096, 131072,6291456")).toMatchObject({ settings });
  });

  test("an unknown name is answered with the nearest known one", () => {
    expect(errorOf("tcp_synretries=3")).toBe(
      'no setting "tcp_synretries"; did you mean tcp_syn_retries?',
    );
    expect(errorOf("TCP_MTU_PROBE=1")).toContain("did you mean tcp_mtu_probing?");
    expect(errorOf("__proto__=1")).toContain("no setting");
  });

  test("a bad value is answered with what the setting wants", () => {
    expect(errorOf("tcp_sack=2")).toBe("tcp_sack is a whole number from 0 to 1");
    expect(errorOf("tcp_msl=0")).toBe("tcp_msl is a whole number from 1 to 120 (s)");
    for (const value of ["", "-1", "0x1", "1e0", "1.5", "1 1", "one"]) {
      expect(errorOf(`tcp_sack=${value}`)).toContain("tcp_sack is a whole number");
    }
    expect(errorOf("tcp_rmem=4096 131072")).toContain("3 whole numbers");
    expect(errorOf("ip_local_port_range=60999 32768")).toContain("none less than the one before");
    expect(errorOf("tcp_congestion_control=vegas")).toBe(
      "tcp_congestion_control is one of: cubic, bbr, reno, or a module's path (./mine.ts)",
    );
    expect(errorOf("tcp_sack")).toBe('"tcp_sack" is not KEY=VALUE');
  });

  test("tcp_tw_recycle is refused with the reason", () => {
    expect(errorOf("net.ipv4.tcp_tw_recycle=1")).toMatch(/NAT.*4\.12/);
    expect(checkSettings({ tcp_tw_recycle: 1 } as object)).toMatch(/NAT/);
  });

  test("whatever is typed, the answer is a setting within its range or one line", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .tuple(fc.constantFrom(...SETTING_NAMES), fc.string({ unit: "binary" }))
        .map((t) => t.join("=")),
      fc.tuple(fc.constantFrom(...SETTING_NAMES), fc.nat()).map((t) => t.join("=")),
    );
    fc.assert(
      fc.property(text, (typed) => {
        const parsed = parseSetting(typed);
        if (parsed.ok) expect(checkSettings(parsed.settings)).toBeNull();
        else expect(parsed.error).toMatch(/^[ -~]+$/);
      }),
    );
  });
});

test("settings handed in by a program are checked like typed ones", () => {
  expect(checkSettings({ tcp_rto_min_ms: Number.NaN })).toContain("tcp_rto_min_ms");
  expect(checkSettings({ tcp_msl: "30" } as object)).toContain("tcp_msl");
  expect(checkSettings({ tcp_wmem: [4096, 4095, 8192] })).toContain("tcp_wmem");
});
