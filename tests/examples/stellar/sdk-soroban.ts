/** The parts of calls of smart contracts, made with @stellar/stellar-sdk. */
import { Address, Operation } from "@stellar/stellar-sdk/base";
import * as xdr from "@stellar/stellar-sdk/xdr";

const { ScVal, ScAddress, ScError, LedgerKey } = xdr;

const hash = (byte: number) => new Uint8Array(32).fill(byte);
const contract = Address.contract(hash(0x22));
const owner = Address.contract(hash(0x33)).toScAddress();
const symbol = (text: string) => ScVal.scvSymbol(text);

/** Calls `transfer` of a contract. */
export function contractCall(args: xdr.ScVal[], auth: xdr.SorobanAuthorizationEntry[]): xdr.Operation {
  return Operation.invokeContractFunction({ contract: contract.toString(), function: "transfer", args, auth });
}

/** A value of each type that contracts have, with the least and greatest ones of each integer. */
export function allValues(account: string, muxed: string): xdr.ScVal[] {
  const entry = (key: xdr.ScVal, val: xdr.ScVal) => new xdr.ScMapEntry({ key, val });
  const externalRef = new xdr.ContractExecutableExternalRef({ executableOwner: owner, tag: "v1" });
  return [
    ScVal.scvBool(true),
    ScVal.scvBool(false),
    ScVal.scvVoid(),
    ScVal.scvError(ScError.sceContract(4_294_967_295)),
    ScVal.scvError(ScError.sceWasmVm(xdr.ScErrorCode.scecArithDomain)),
    ScVal.scvError(ScError.sceContext(xdr.ScErrorCode.scecIndexBounds)),
    ScVal.scvError(ScError.sceStorage(xdr.ScErrorCode.scecInvalidInput)),
    ScVal.scvError(ScError.sceObject(xdr.ScErrorCode.scecMissingValue)),
    ScVal.scvError(ScError.sceCrypto(xdr.ScErrorCode.scecExistingValue)),
    ScVal.scvError(ScError.sceEvents(xdr.ScErrorCode.scecExceededLimit)),
    ScVal.scvError(ScError.sceBudget(xdr.ScErrorCode.scecInvalidAction)),
    ScVal.scvError(ScError.sceValue(xdr.ScErrorCode.scecInternalError)),
    ScVal.scvError(ScError.sceAuth(xdr.ScErrorCode.scecUnexpectedSize)),
    ScVal.scvU32(4_294_967_295),
    ScVal.scvI32(-2_147_483_648),
    ScVal.scvU64(2n ** 64n - 1n),
    ScVal.scvI64(-(2n ** 63n)),
    ScVal.scvTimepoint(1_800_000_000n),
    ScVal.scvDuration(3600n),
    ScVal.scvU128(new xdr.Uint128Parts({ hi: 2n ** 64n - 1n, lo: 1n })),
    ScVal.scvI128(new xdr.Int128Parts({ hi: -1n, lo: 2n ** 64n - 2n })),
    ScVal.scvU256(new xdr.Uint256Parts({ hiHi: 1n, hiLo: 2n, loHi: 3n, loLo: 4n })),
    ScVal.scvI256(new xdr.Int256Parts({ hiHi: -(2n ** 63n), hiLo: 0n, loHi: 0n, loLo: 1n })),
    ScVal.scvBytes(Uint8Array.of(1, 2, 3, 4, 5)),
    ScVal.scvString("süß"),
    symbol("a_symbol_of_32_characters_abcdef"),
    ScVal.scvVec([ScVal.scvU32(1), ScVal.scvVec([]), ScVal.scvVec([symbol("inner"), ScVal.scvVoid()])]),
    ScVal.scvVec(null),
    ScVal.scvMap([entry(symbol("key"), ScVal.scvMap([entry(ScVal.scvU32(1), ScVal.scvBool(true))]))]),
    ScVal.scvMap(null),
    ScVal.scvAddress(Address.fromString(account).toScAddress()),
    ScVal.scvAddress(contract.toScAddress()),
    ScVal.scvAddress(Address.fromString(muxed).toScAddress()),
    // The SDK refuses these addresses as arguments by themselves.
    ScVal.scvVec([
      ScVal.scvAddress(
        ScAddress.scAddressTypeClaimableBalance(xdr.ClaimableBalanceId.claimableBalanceIdTypeV0(hash(1))),
      ),
      ScVal.scvAddress(ScAddress.scAddressTypeLiquidityPool(new xdr.PoolId(hash(2)))),
    ]),
    ScVal.scvContractInstance(
      new xdr.ScContractInstance({
        executable: xdr.ContractExecutable.contractExecutableExternalRef(externalRef),
        storage: [entry(symbol("admin"), ScVal.scvVoid())],
      }),
    ),
    ScVal.scvLedgerKeyContractInstance(),
    ScVal.scvLedgerKeyNonce(new xdr.ScNonceKey({ nonce: -5n })),
    ScVal.scvExecutableTag(Uint8Array.of(0xff, 0)),
  ];
}

/** Authorizations with each kind of credentials, for a call that makes another call. */
export function addressCredentials(account: string, delegate: string): xdr.SorobanAuthorizationEntry[] {
  const call = (functionName: string, args: xdr.ScVal[]) =>
    xdr.SorobanAuthorizedFunction.sorobanAuthorizedFunctionTypeContractFn(
      new xdr.InvokeContractArgs({ contractAddress: contract.toScAddress(), functionName, args }),
    );
  const contractIdPreimage = xdr.ContractIdPreimage.contractIdPreimageFromAsset(xdr.Asset.assetTypeNative());
  const executable = xdr.ContractExecutable.contractExecutableStellarAsset();
  const { SorobanAuthorizedFunction } = xdr;
  const subInvocations = [
    call("approve", []),
    SorobanAuthorizedFunction.sorobanAuthorizedFunctionTypeCreateContractHostFn(
      new xdr.CreateContractArgs({ contractIdPreimage, executable }),
    ),
    SorobanAuthorizedFunction.sorobanAuthorizedFunctionTypeCreateContractV2HostFn(
      new xdr.CreateContractArgsV2({ contractIdPreimage, executable, constructorArgs: [ScVal.scvVoid()] }),
    ),
  ].map((allowed) => new xdr.SorobanAuthorizedInvocation({ function: allowed, subInvocations: [] }));
  const rootInvocation = new xdr.SorobanAuthorizedInvocation({
    function: call("transfer", [ScVal.scvI128(new xdr.Int128Parts({ hi: 0n, lo: 5n }))]),
    subInvocations,
  });
  const credentials = new xdr.SorobanAddressCredentials({
    address: Address.fromString(account).toScAddress(),
    nonce: 2n ** 62n,
    signatureExpirationLedger: 60_000_000,
    signature: ScVal.scvVec([ScVal.scvBytes(new Uint8Array(64).fill(9))]),
  });
  const address = Address.fromString(delegate).toScAddress();
  const leaf = new xdr.SorobanDelegateSignature({ address, signature: ScVal.scvVoid(), nestedDelegates: [] });
  const branch = new xdr.SorobanDelegateSignature({ address, signature: ScVal.scvVoid(), nestedDelegates: [leaf] });
  const withDelegates = new xdr.SorobanAddressCredentialsWithDelegates({
    addressCredentials: credentials,
    delegates: [branch, leaf],
  });
  return [
    xdr.SorobanCredentials.sorobanCredentialsSourceAccount(),
    xdr.SorobanCredentials.sorobanCredentialsAddress(credentials),
    xdr.SorobanCredentials.sorobanCredentialsAddressV2(credentials),
    xdr.SorobanCredentials.sorobanCredentialsAddressWithDelegates(withDelegates),
  ].map((credentials) => new xdr.SorobanAuthorizationEntry({ credentials, rootInvocation }));
}

/** The key of a contract's instance. */
export function contractKey(): xdr.LedgerKey {
  const key = ScVal.scvLedgerKeyContractInstance();
  const durability = xdr.ContractDataDurability.persistent;
  return LedgerKey.contractData(new xdr.LedgerKeyContractData({ contract: contract.toScAddress(), key, durability }));
}

/** The keys of a setting of the network, and of an entry's time to live. */
export function settingKeys(): xdr.LedgerKey[] {
  const configSettingId = xdr.ConfigSettingId.configSettingScpTiming;
  return [
    LedgerKey.configSetting(new xdr.LedgerKeyConfigSetting({ configSettingId })),
    LedgerKey.ttl(new xdr.LedgerKeyTtl({ keyHash: hash(6) })),
  ];
}

/** What a call may read, write and cost. `archived` are entries to restore, as indices in `readWrite`. */
export function sorobanData(
  readOnly: xdr.LedgerKey[],
  readWrite: xdr.LedgerKey[],
  archived?: number[],
): xdr.SorobanTransactionData {
  const { SorobanTransactionDataExt } = xdr;
  const ext =
    archived === undefined
      ? SorobanTransactionDataExt.v0()
      : SorobanTransactionDataExt.resourceExt(new xdr.SorobanResourcesExtV0({ archivedSorobanEntries: archived }));
  const footprint = new xdr.LedgerFootprint({ readOnly, readWrite });
  const resources = { footprint, instructions: 4_000_000, diskReadBytes: 1000, writeBytes: 200 };
  return new xdr.SorobanTransactionData({ ext, resources: new xdr.SorobanResources(resources), resourceFee: 12_345n });
}
