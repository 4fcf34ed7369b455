// Takes payments at the simulated wallets with clients that are not ours: Alipay's own SDK for
// Node and the WeChat Pay plugin for axios. `hawker serve` must be running.
//   node check.mjs DATA-DIRECTORY http://127.0.0.1:8591
import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { AlipaySdk } from "alipay-sdk";
import { Wechatpay } from "wechatpay-axios-plugin";

process.env.TZ = "Asia/Shanghai"; // Alipay's clock: its client writes the machine's time
const [data, wallets] = process.argv.slice(2);
const accounts = JSON.parse(readFileSync(`${data}/sandbox/wallets.json`, "utf8"));
const publicOf = (pem) => createPublicKey(pem).export({ type: "spki", format: "pem" });
const order = (name) => `898310058120001${name}${Date.now().toString(36).toUpperCase()}`;

// code is a code that a customer shows, as the simulated phone draws it.
async function code(brand) {
  const page = await (await fetch(`${wallets}/phone/code`, { method: "POST", body: new URLSearchParams({ brand }) })).text();
  return /id="code">([0-9 ]+)</.exec(page)[1].replaceAll(" ", "");
}

async function alipay() {
  const a = accounts.Alipay;
  const sdk = new AlipaySdk({ appId: a.AppID, privateKey: a.MerchantKey, keyType: "PKCS8", alipayPublicKey: publicOf(a.PlatformKey), gateway: `${wallets}/gateway.do` });
  const ask = (method, bizContent) => sdk.exec(method, { bizContent }); // verifies the answer's signature
  const n = order("A");
  const paid = await ask("alipay.trade.pay", { out_trade_no: n, total_amount: "12.50", subject: "noodles", scene: "bar_code", auth_code: await code("alipay") });
  assert.equal(paid.code, "10000", JSON.stringify(paid));
  const found = await ask("alipay.trade.query", { out_trade_no: n });
  assert.equal(found.tradeStatus, "TRADE_SUCCESS", JSON.stringify(found));
  const back = await ask("alipay.trade.refund", { out_trade_no: n, refund_amount: "2.50", out_request_no: n + "R" });
  assert.equal(back.fundChange, "Y", JSON.stringify(back));
  const shown = await ask("alipay.trade.precreate", { out_trade_no: order("B"), total_amount: "1.00", subject: "tea" });
  assert.match(shown.qrCode, /^https?:/, JSON.stringify(shown));
  const none = await ask("alipay.trade.query", { out_trade_no: order("C") });
  assert.equal(none.subCode, "ACQ.TRADE_NOT_EXIST", JSON.stringify(none));
  console.log("alipay-sdk: pay, query, refund, precreate and a refusal, every signature verified");
}

async function wechat() {
  const w = accounts.WeChat;
  const client = new Wechatpay({ mchid: w.MchID, serial: w.Serial, privateKey: w.MerchantKey, certs: { [w.PublicKeyID]: publicOf(w.PlatformKey) }, baseURL: wallets });
  const headers = { "Wechatpay-Serial": w.PublicKeyID }; // which of WeChat's keys the answer is to be signed with
  const ask = async (path, body) => (await client.chain(path).post(body, { headers })).data; // verifies the answer's signature
  const n = order("W");
  const paid = await ask("v3/pay/transactions/codepay", { appid: w.AppID, mchid: w.MchID, description: "noodles", out_trade_no: n, amount: { total: 1250, currency: "CNY" },
    payer: { auth_code: await code("wechat") }, scene_info: { store_info: { id: "898310058120001" } } });
  assert.equal(paid.trade_state, "SUCCESS", JSON.stringify(paid));
  const found = (await client.chain(`v3/pay/transactions/out-trade-no/${n}`).get({ params: { mchid: w.MchID }, headers })).data;
  assert.equal(found.amount.total, 1250, JSON.stringify(found));
  const back = await ask("v3/refund/domestic/refunds", { out_trade_no: n, out_refund_no: n + "R", amount: { refund: 250, total: 1250, currency: "CNY" } });
  assert.ok(["SUCCESS", "PROCESSING"].includes(back.status), JSON.stringify(back));
  const shown = await ask("v3/pay/transactions/native", { appid: w.AppID, mchid: w.MchID, description: "tea", out_trade_no: order("N"), notify_url: "https://pay.example/notify", amount: { total: 100, currency: "CNY" } });
  assert.match(shown.code_url, /^weixin:|^https?:/, JSON.stringify(shown));
  console.log("wechatpay-axios-plugin: codepay, query, refund and native, every signature verified");
}

await alipay();
await wechat();
