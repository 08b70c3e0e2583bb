program LineTill;
{ A complete till in Delphi 7 and later with Indy, over the line dialect on a loopback port: no HTTP, no JSON library.
  LineTill ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211. The configuration:

    [[till]]
    dialect = "line"
    listen = "tcp:127.0.0.1:8461"
    token_file = "/run/cpmd/token"

  It ends with exit code 0 paid, 1 not paid, 2 not known. ID is the till's own. Write it down, on disk, before you
  ask: it is how you learn what came of a sale after a crash. Start this program again with the same arguments and
  it tells, without charging again. }
{$APPTYPE CONSOLE}

uses
  SysUtils, Classes, IdTCPClient;

const
  TokenFile = '/run/cpmd/token';
  Minutes = 1 / (24 * 60);

{ The first such member of a JSON text. cpmd writes members without blanks: "name":value. Good enough for ids,
  states and numbers; in messages a quotation mark would come as \". }
function Get(const Json, Name: string): string;
var
  P, Q: Integer;
begin
  Result := '';
  P := Pos('"' + Name + '":', Json);
  if P = 0 then
    Exit;
  P := P + Length(Name) + 3;
  if Json[P] = '"' then
  begin
    Inc(P);
    Q := P;
    while (Q <= Length(Json)) and (Json[Q] <> '"') do
    begin
      if Json[Q] = '\' then
        Inc(Q);
      Inc(Q);
    end;
  end
  else
  begin
    Q := P;
    while (Q <= Length(Json)) and not (Json[Q] in [',', '}']) do
      Inc(Q);
  end;
  Result := Copy(Json, P, Q - P);
end;

function Token: string;
var
  Lines: TStringList;
begin
  Lines := TStringList.Create;
  try
    Lines.LoadFromFile(TokenFile);
    Result := Trim(Lines[0]);
  finally
    Lines.Free;
  end;
end;

function Call(Tcp: TIdTCPClient; const Method, Params: string): string;
begin
  if not Tcp.Connected then
  begin
    Tcp.Host := '127.0.0.1';
    Tcp.Port := 8461;
    Tcp.ReadTimeout := 40000; // longer than the longest wait below
    Tcp.Connect;
    Tcp.IOHandler.WriteLn('{"jsonrpc":"2.0","id":1,"method":"auth","params":{"token":"' + Token + '"}}');
    Result := Tcp.IOHandler.ReadLn;
    if Pos('"error":', Result) > 0 then
      Exit;
  end;
  Tcp.IOHandler.WriteLn('{"jsonrpc":"2.0","id":1,"method":"' + Method + '","params":' + Params + '}');
  Result := Tcp.IOHandler.ReadLn;
  if Result = '' then
    raise Exception.Create('no answer');
end;

{ Returns 0 paid, 1 not paid, 2 not known. Ticket must be plain text without quotation marks or backslashes. }
function Collect(const Id, Amount, Currency, Ticket: string): Integer;
var
  Tcp: TIdTCPClient;
  Answer, State, Code: string;
  Seq: Int64;
  GiveUp: TDateTime;
begin
  Result := 2;
  Seq := -1;
  GiveUp := Now + 3 * Minutes;
  Tcp := TIdTCPClient.Create(nil);
  try
    while Now < GiveUp do
    begin
      try
        if Seq < 0 then
          // The same again, as often as it takes: it never opens a second sale.
          Answer := Call(Tcp, 'sale.put', '{"id":"' + Id + '","amount":' + Amount + ',"currency":"' + Currency +
            '","ticket":"' + Ticket + '"}')
        else
          Answer := Call(Tcp, 'sale.get', '{"id":"' + Id + '","wait":25,"after":' + IntToStr(Seq) + '}');
      except
        on E: Exception do
        begin
          Tcp.Disconnect;
          WriteLn('No answer. Asking again.');
          Sleep(1000);
          Continue;
        end;
      end;
      if Pos('"error":', Answer) > 0 then
      begin
        WriteLn(Get(Answer, 'message'));
        Code := Get(Answer, 'status');
        if (Code <> '') and (Code[1] = '5') then
        begin
          Sleep(1000);
          Continue;
        end;
        Code := Copy(Answer, Pos('"data":', Answer), MaxInt); // the first "code" is JSON-RPC's number
        Code := Get(Code, 'code');
        if (Seq < 0) and ((Code = 'invalid_request') or (Code = 'unknown_lane') or (Code = 'lane_busy') or (Code = 'code_used')) then
          Result := 1; // refused: this sale was never opened, nothing was charged
        Exit;
      end;
      GiveUp := Now + 3 * Minutes;
      if StrToInt64(Get(Answer, 'seq')) > Seq then
        WriteLn(Get(Answer, 'message'));
      Seq := StrToInt64(Get(Answer, 'seq'));
      State := Get(Answer, 'state');
      if State = 'paid' then
        Result := 0
      else if State = 'not_paid' then
        Result := 1;
      if (Result <> 2) or (State = 'unresolved') then
        Exit;
    end;
  finally
    Tcp.Free;
  end;
end;

begin
  ExitCode := Collect(ParamStr(1), ParamStr(2), ParamStr(3), ParamStr(4));
  case ExitCode of
    0: WriteLn('PAID');
    1: WriteLn('NOT PAID');
  else
    WriteLn('NOT KNOWN: do not charge again, ask later');
  end;
end.
