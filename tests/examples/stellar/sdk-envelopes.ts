/**
 * Transaction envelopes that @stellar/stellar-sdk makes: each kind of operation, memo, precondition and envelope. They are
 * the same in every run. `bun tests/examples/stellar/sdk-envelopes.ts > bench/xdr/stellar-envelopes.json` writes the file
 * that other tests and the bench read.
 */
import {
  Account,
  Address,
  Asset,
  Claimant,
  type FeeBumpTransaction,
  getLiquidityPoolId,
  Keypair,
  LiquidityPoolAsset,
  LiquidityPoolId,
  Memo,
  MuxedAccount,
  Networks,
  Operation,
  SignerKey,
  type Transaction,
  TransactionBuilder,
} from "@stellar/stellar-sdk/base";
import * as xdr from "@stellar/stellar-sdk/xdr";
import { addressCredentials, allValues, contractCall, contractKey, settingKeys, sorobanData } from "./sdk-soroban.ts";

type Options = NonNullable<ConstructorParameters<typeof TransactionBuilder>[1]>;

const NETWORK = Networks.TESTNET;
const [alice, bob, carol] = [1, 2, 3].map((n) => Keypair.fromRawEd25519Seed(filled(n))) as [Keypair, Keypair, Keypair];
const [source, destination, issuer] = [alice, bob, carol].map((pair) => pair.publicKey()) as [string, string, string];

const native = Asset.native();
const usd = new Asset("USD", issuer);
const longName = new Asset("LONGNAME1234", issuer);
const pool = new LiquidityPoolAsset(native, usd, 30);
const poolId = getLiquidityPoolId("constant_product", pool.getLiquidityPoolParameters()).toHex();
const balanceId = `00000000${filled(9).toHex()}`;
const muxed = new MuxedAccount(new Account(destination, "0"), "18446744073709551615").accountId();
const bytes = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);

function filled(byte: number, length = 32): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

/** A transaction of Alice, signed by her. The preconditions are those of most transactions unless given. */
function transaction(operations: xdr.Operation[], options: Partial<Options> = {}): Transaction {
  const builder = new TransactionBuilder(new Account(source, "103420918407103888"), {
    fee: "100",
    timebounds: { minTime: 0, maxTime: 1_800_000_000 },
    networkPassphrase: NETWORK,
    ...options,
  });
  for (const operation of operations) builder.addOperation(operation);
  return signed(builder.build(), alice);
}

function signed<T extends Transaction | FeeBumpTransaction>(unsigned: T, ...pairs: Keypair[]): T {
  unsigned.sign(...pairs);
  return unsigned;
}

function feeBump(inner: Transaction, feeSource: string): FeeBumpTransaction {
  return signed(TransactionBuilder.buildFeeBumpTransaction(feeSource, "1000", inner, NETWORK), bob);
}

/** The first form of envelopes, which the SDK reads but no longer builds. */
function version0(): xdr.TransactionEnvelope {
  const payment = Operation.payment({ destination, asset: native, amount: "1.5" });
  const tx = new xdr.TransactionV0({
    sourceAccountEd25519: alice.rawPublicKey(),
    fee: 100,
    seqNum: 2n ** 33n,
    timeBounds: new xdr.TimeBounds({ minTime: 1n, maxTime: 2n ** 64n - 1n }),
    memo: xdr.Memo.memoText("first form"),
    operations: [payment],
    ext: xdr.TransactionV0Ext.v0(),
  });
  const signatures = [new xdr.DecoratedSignature({ hint: filled(7, 4), signature: bytes })];
  return xdr.TransactionEnvelope.envelopeTypeTxV0(new xdr.TransactionV0Envelope({ tx, signatures }));
}

/** A transaction without preconditions, which the SDK reads but does not build. */
function unconditional(): xdr.TransactionEnvelope {
  const envelope = transaction([payment("1")]).toEnvelope();
  if (envelope.type !== "envelopeTypeTx") throw new Error(`a ${envelope.type}`);
  const tx = new xdr.Transaction({ ...envelope.v1.tx, cond: xdr.Preconditions.precondNone() });
  return xdr.TransactionEnvelope.envelopeTypeTx(new xdr.TransactionV1Envelope({ tx, signatures: [] }));
}

const payment = (amount: string) => Operation.payment({ destination, asset: usd, amount });

const { predicateAnd, predicateOr, predicateNot, predicateBeforeAbsoluteTime, predicateBeforeRelativeTime } = Claimant;
const predicates = predicateOr(
  predicateAnd(predicateBeforeAbsoluteTime("1800000000"), predicateNot(predicateBeforeRelativeTime("3600"))),
  predicateNot(predicateOr(Claimant.predicateUnconditional(), predicateBeforeAbsoluteTime("9223372036854775807"))),
);

const signedPayload = new xdr.SignerKeyEd25519SignedPayload({
  ed25519: carol.rawPublicKey(),
  payload: filled(6, 29),
});

const deployer = Address.fromString(source);
const salt = filled(5);

/** What makes each envelope. */
const MAKERS: { readonly [name: string]: () => Transaction | FeeBumpTransaction | xdr.TransactionEnvelope } = {
  payment: () => transaction([payment("12.3456789")], { memo: Memo.text("grüße") }),
  payments: () =>
    transaction([
      Operation.payment({ destination, asset: native, amount: "922337203685.4775807" }),
      Operation.payment({ destination: muxed, asset: longName, amount: "0.0000001", source: destination }),
    ]),
  accounts: () =>
    transaction(
      [
        Operation.createAccount({ destination, startingBalance: "10" }),
        Operation.bumpSequence({ bumpTo: "9223372036854775807" }),
        Operation.inflation({}),
        Operation.accountMerge({ destination: muxed }),
      ],
      { memo: Memo.id("18446744073709551615") },
    ),
  pathPayments: () =>
    transaction(
      [
        Operation.pathPaymentStrictReceive({
          sendAsset: native,
          sendMax: "100",
          destination,
          destAsset: usd,
          destAmount: "7",
          path: [longName, native, usd, longName, native],
        }),
        Operation.pathPaymentStrictSend({
          sendAsset: usd,
          sendAmount: "100",
          destination: muxed,
          destAsset: longName,
          destMin: "7",
        }),
      ],
      { memo: Memo.hash(filled(0xab)) },
    ),
  offers: () =>
    transaction(
      [
        Operation.manageSellOffer({ selling: native, buying: usd, amount: "5", price: { n: 7, d: 3 }, offerId: "0" }),
        Operation.manageBuyOffer({
          selling: usd,
          buying: native,
          buyAmount: "0",
          price: "0.25",
          offerId: "123456789012",
        }),
        Operation.createPassiveSellOffer({ selling: longName, buying: usd, amount: "1", price: 2 }),
      ],
      { memo: Memo.return(filled(0xcd)) },
    ),
  options: () =>
    transaction([
      Operation.setOptions({}),
      Operation.setOptions({
        inflationDest: destination,
        clearFlags: 1,
        setFlags: 10,
        masterWeight: 1,
        lowThreshold: 2,
        medThreshold: 3,
        highThreshold: 255,
        homeDomain: "example.com",
        signer: { ed25519PublicKey: destination, weight: 1 },
      }),
      Operation.setOptions({ signer: { sha256Hash: filled(1), weight: 0 } }),
      Operation.setOptions({ signer: { preAuthTx: filled(2), weight: 255 } }),
    ]),
  trust: () =>
    transaction([
      Operation.changeTrust({ asset: usd, limit: "1000" }),
      Operation.changeTrust({ asset: longName }),
      Operation.changeTrust({ asset: native }),
      Operation.changeTrust({ asset: pool, limit: "0" }),
      Operation.allowTrust({ trustor: destination, assetCode: "USD", authorize: 1 }),
      Operation.allowTrust({ trustor: destination, assetCode: "LONGNAME1234", authorize: 2 }),
      Operation.setTrustLineFlags({
        trustor: destination,
        asset: usd,
        flags: { authorized: true, clawbackEnabled: false },
      }),
    ]),
  data: () =>
    transaction([
      Operation.manageData({ name: "config", value: bytes }),
      Operation.manageData({ name: "n".repeat(64), value: "text" }),
      Operation.manageData({ name: "gone", value: null }),
    ]),
  claims: () =>
    transaction([
      Operation.createClaimableBalance({
        asset: usd,
        amount: "3",
        claimants: [new Claimant(destination, predicates), new Claimant(source)],
      }),
      Operation.claimClaimableBalance({ balanceId }),
      Operation.clawback({ asset: usd, from: muxed, amount: "2" }),
      Operation.clawbackClaimableBalance({ balanceId }),
    ]),
  sponsorship: () =>
    transaction([
      Operation.beginSponsoringFutureReserves({ sponsoredId: destination }),
      Operation.createAccount({ destination: issuer, startingBalance: "0" }),
      Operation.endSponsoringFutureReserves({ source: destination }),
      Operation.revokeAccountSponsorship({ account: destination }),
      Operation.revokeTrustlineSponsorship({ account: destination, asset: usd }),
      Operation.revokeTrustlineSponsorship({ account: destination, asset: longName }),
      Operation.revokeTrustlineSponsorship({ account: destination, asset: native }),
      Operation.revokeTrustlineSponsorship({ account: destination, asset: new LiquidityPoolId(poolId) }),
      Operation.revokeOfferSponsorship({ seller: destination, offerId: "4294967296" }),
      Operation.revokeDataSponsorship({ account: destination, name: "config" }),
      Operation.revokeClaimableBalanceSponsorship({ balanceId }),
      Operation.revokeLiquidityPoolSponsorship({ liquidityPoolId: poolId }),
      Operation.revokeSignerSponsorship({ account: destination, signer: { ed25519PublicKey: issuer } }),
      Operation.revokeSignerSponsorship({ account: destination, signer: { preAuthTx: filled(4) } }),
    ]),
  pool: () =>
    transaction([
      Operation.liquidityPoolDeposit({
        liquidityPoolId: poolId,
        maxAmountA: "10",
        maxAmountB: "20",
        minPrice: { n: 1, d: 2 },
        maxPrice: { n: 2147483647, d: 1 },
      }),
      Operation.liquidityPoolWithdraw({ liquidityPoolId: poolId, amount: "5", minAmountA: "1", minAmountB: "2" }),
    ]),
  preconditions: () =>
    transaction([payment("1")], {
      timebounds: { minTime: 1_700_000_000, maxTime: 0 },
      ledgerbounds: { minLedger: 5, maxLedger: 4_294_967_295 },
      minAccountSequence: "103420918407103000",
      minAccountSequenceAge: 3600n,
      minAccountSequenceLedgerGap: 10,
      extraSigners: [
        SignerKey.encodeSignerKey(xdr.SignerKey.signerKeyTypeHashX(filled(8))),
        SignerKey.encodeSignerKey(xdr.SignerKey.signerKeyTypeEd25519SignedPayload(signedPayload)),
      ],
    }),
  hundred: () => transaction(Array.from({ length: 100 }, (_, i) => payment(`${i + 1}`))),
  signatures: () => signed(transaction([payment("1")], { memo: Memo.text(filled(0xff, 28)) }), bob, carol),
  feeBump: () => feeBump(transaction([payment("2")]), destination),
  feeBumpMuxed: () => feeBump(transaction([payment("2")], { memo: Memo.text("inner") }), muxed),
  version0,
  unconditional,
  invokeContract: () => transaction([contractCall(allValues(source, muxed), [])], { sorobanData: sorobanData([], []) }),
  transfer: () =>
    transaction([contractCall([], addressCredentials(source, destination))], {
      sorobanData: sorobanData(
        [contractKey(), xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: alice.xdrAccountId() }))],
        [xdr.LedgerKey.contractCode(new xdr.LedgerKeyContractCode({ hash: filled(3) }))],
      ),
    }),
  createContract: () =>
    transaction([
      Operation.createCustomContract({ address: deployer, wasmHash: filled(0x11), salt }),
      Operation.createCustomContract({
        address: deployer,
        externalRef: { owner: Address.contract(filled(0x33)), tag: Uint8Array.of(0xc0, 0, 0xff) },
        constructorArgs: [xdr.ScVal.scvU32(7)],
        salt,
      }),
      Operation.createStellarAssetContract({ asset: usd }),
    ]),
  uploadWasm: () =>
    transaction([Operation.uploadContractWasm({ wasm: Uint8Array.from({ length: 2001 }, (_, i) => (i * 7) & 255) })]),
  extendTtl: () =>
    transaction([Operation.extendFootprintTtl({ extendTo: 535_679 })], {
      sorobanData: sorobanData([contractKey()], []),
    }),
  restore: () =>
    transaction([Operation.restoreFootprint({})], { sorobanData: sorobanData(settingKeys(), [contractKey()], [0]) }),
  feeBumpContract: () =>
    feeBump(
      transaction([contractCall([xdr.ScVal.scvBool(true)], [])], { sorobanData: sorobanData([contractKey()], []) }),
      destination,
    ),
};

/** The envelopes by name, in base64. */
export function sdkEnvelopes(): { [name: string]: string } {
  const text = (made: ReturnType<(typeof MAKERS)[string]>) =>
    made instanceof xdr.TransactionEnvelope ? made.toXdr("base64") : made.toEnvelope().toXdr("base64");
  return Object.fromEntries(Object.entries(MAKERS).map(([name, make]) => [name, text(make())]));
}

if (import.meta.main) console.log(JSON.stringify(sdkEnvelopes(), null, 2));
